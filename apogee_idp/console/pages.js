/** Every page of the console, by its path. */

import { match } from "./router.js";
import { AuditTrail } from "./pages/AuditTrail.js";
import { ClientCreate } from "./pages/ClientCreate.js";
import { ClientEdit } from "./pages/ClientEdit.js";
import { ClientList } from "./pages/ClientList.js";
import { ClientSecrets } from "./pages/ClientSecrets.js";
import { KeyRing } from "./pages/KeyRing.js";
import { NoSuchPage } from "./pages/NoSuchPage.js";
import { Overview } from "./pages/Overview.js";
import { ResourceCreate, ResourceEdit } from "./pages/ResourceEdit.js";
import { ResourceList } from "./pages/ResourceList.js";
import { ScopeCreate, ScopeEdit } from "./pages/ScopeEdit.js";
import { ScopeList } from "./pages/ScopeList.js";
import { TokenPreview } from "./pages/TokenPreview.js";
import { UserEdit } from "./pages/UserEdit.js";
import { UserList } from "./pages/UserList.js";

const PAGES = [
  ["/", Overview],
  ["/clients", ClientList],
  ["/new-client", ClientCreate],
  ["/clients/{clientId}", ClientEdit],
  ["/clients/{clientId}/secrets", ClientSecrets],
  ["/clients/{clientId}/preview", TokenPreview],
  ["/scopes", ScopeList],
  ["/new-scope", ScopeCreate],
  ["/scopes/{name}", ScopeEdit],
  ["/resources", ResourceList],
  ["/new-resource", ResourceCreate],
  ["/resources/{identifier}", ResourceEdit],
  ["/keys", KeyRing],
  ["/users", UserList],
  ["/users/{subject}", UserEdit],
  ["/audit", AuditTrail],
];

/** The page of a path: { page, names }. */
export function pageOf(path) {
  return match(PAGES, path) ?? { page: NoSuchPage, names: {} };
}
