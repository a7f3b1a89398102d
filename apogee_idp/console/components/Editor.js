/**
 * A form on something simple (of useEditing), with its conflict and its end by name.
 * The fields are the slot, a function of what is typed; emits `saved` and `deleted`.
 */

import { computed, html, provide, ref } from "../html.js";
import { send } from "../api.js";
import { dropDraft } from "../drafts.js";
import { useAction } from "../loading.js";
import { Conflict } from "./Conflict.js";
import { ConfirmByName } from "./ConfirmByName.js";
import { DraftNotice } from "./DraftNotice.js";
import { FailureNotice } from "./FailureNotice.js";
import { PROBLEMS } from "./Field.js";

export const Editor = {
  props: {
    editing: Object,
    path: String,
    kind: String,
    name: String,
    draft: String,
    ending: String,
    query: Object,
  },
  emits: ["saved", "deleted"],
  setup(props, { emit, slots }) {
    const { stored, typed, theirs, saving, isRestored } = props.editing;
    const isAsked = ref(false);
    const deleting = useAction();
    provide(
      PROBLEMS,
      computed(() => saving.failure.value?.errors ?? []),
    );
    const save = async (event) => {
      event.preventDefault();
      if (await props.editing.save()) emit("saved");
    };
    const remove = async () => {
      const { version } = stored.value;
      const gone = () => send("DELETE", props.path, { version, query: props.query });
      if (!(await deleting.run(gone))) return;
      dropDraft(props.draft);
      emit("deleted");
    };
    const conflict = () => html`<${Conflict}
      kind=${props.kind}
      name=${props.name}
      base=${stored.value.base}
      mine=${typed.value}
      theirs=${theirs.value.base}
      onReapply=${props.editing.reapply}
    />`;
    const confirmation = () => html`<${ConfirmByName}
      title=${`Delete ${props.name}?`}
      name=${props.name}
      action="Delete for good"
      isBusy=${deleting.isBusy.value}
      failure=${deleting.failure.value}
      onConfirm=${remove}
      onClose=${() => (isAsked.value = false)}
    >
      <p>${props.ending}</p>
    <//>`;
    return () => html`<div class="form">
      <${DraftNotice} isRestored=${isRestored.value} />
      ${theirs.value && conflict()}
      <form class="sheet" novalidate onSubmit=${save}>
        ${slots.default(typed.value)}
        <${FailureNotice} failure=${theirs.value ? null : saving.failure.value} />
        <div class="actions">
          <button type="submit" disabled=${saving.isBusy.value}>Save</button>
          ${
            props.editing.isChanged() &&
            html`<button
              type="button"
              class="quiet"
              disabled=${saving.isBusy.value}
              onClick=${props.editing.discard}
            >
              Discard changes
            </button>`
          }
        </div>
      </form>
      <section class="sheet" aria-labelledby="ending">
        <h2 id="ending">Ending</h2>
        <p class="soft">${props.ending}</p>
        <button type="button" class="danger" onClick=${() => (isAsked.value = true)}>Delete ...</button>
      </section>
      ${isAsked.value && confirmation()}
    </div>`;
  },
};
