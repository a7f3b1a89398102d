/** A person's roles. Emits `act` with method, part of the address, and what to tell. */

import { html, ref } from "../html.js";
import { TextField } from "./TextField.js";

const ADMINISTRATOR = "idp-admin";

export const UserRoles = {
  props: { user: Object, isBusy: Boolean },
  emits: ["act"],
  setup(props, { emit }) {
    const typed = ref("");
    const part = (role) => `/roles/${encodeURIComponent(role)}`;
    const grant = (event) => {
      event.preventDefault();
      const role = typed.value.trim();
      if (!role) return;
      emit("act", "PUT", part(role), `The role ${role} is granted.`);
      typed.value = "";
    };
    const revoke = (role) =>
      emit("act", "DELETE", part(role), `The role ${role} is taken back; her sessions have ended.`);
    const row = (role) => html`<li key=${role}>
      <div>
        <code>${role}</code>
        ${role === ADMINISTRATOR && html`<span class="soft"> may manage this identity provider</span>`}
      </div>
      <button type="button" class="quiet" disabled=${props.isBusy} onClick=${() => revoke(role)}>
        Take back<span class="unseen"> ${role}</span>
      </button>
    </li>`;
    return () => html`<section class="sheet form" aria-labelledby="roles">
      <h2 id="roles">Roles</h2>
      <p class="hint">The claim role of tokens. One that is taken back ends all that was begun with it.</p>
      <ul class="plain rows">${props.user.roles.map(row)}</ul>
      <form class="with-button aligned" onSubmit=${grant}>
        <${TextField}
          label="Another role"
          name="role"
          maxlength="200"
          placeholder=${ADMINISTRATOR}
          value=${typed.value}
          onChange=${(text) => (typed.value = text)}
        />
        <button type="submit" class="quiet" disabled=${props.isBusy || !typed.value.trim()}>Grant</button>
      </form>
    </section>`;
  },
};
