/** The console: who is here decides what is shown, the address decides which page. */

import { createApp } from "./html.js";
import { loadSession } from "./api.js";
import { Console } from "./components/Console.js";
import { startRouter } from "./router.js";

startRouter();
createApp(Console).mount("#console");
loadSession();
