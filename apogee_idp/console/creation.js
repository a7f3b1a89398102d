/** Things are made once, however often the request has to be sent. */

import { send } from "./api.js";

const MUST_BEGIN_ANEW = ["idempotency-outcome-unknown", "idempotency-key-reused"];

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((b) => b.toString(16).padStart(2, "0"))
    .join("");
}

/** A function that POSTs, under the same Idempotency-Key as long as it is to say the same. */
export function useCreation() {
  let sent = { text: null, key: null };
  return async (path, body) => {
    const text = JSON.stringify([path, body]);
    if (text !== sent.text) sent = { text, key: newKey() };
    try {
      const answer = await send("POST", path, { body, key: sent.key });
      sent = { text: null, key: null };
      return answer;
    } catch (error) {
      if (MUST_BEGIN_ANEW.includes(error.type)) sent = { text: null, key: null };
      throw error;
    }
  };
}
