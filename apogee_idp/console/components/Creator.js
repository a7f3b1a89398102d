/**
 * A form on something new. The fields are the slot, a function of what is typed and of a function
 * that changes members of it. Emits `made` with what the server answers.
 */

import { computed, html, provide, shallowRef, watch } from "../html.js";
import { useCreation } from "../creation.js";
import { draftOf, dropDraft, keepDraft } from "../drafts.js";
import { checkLocally } from "../editing.js";
import { useAction } from "../loading.js";
import { address } from "../router.js";
import { DraftNotice } from "./DraftNotice.js";
import { FailureNotice } from "./FailureNotice.js";
import { PROBLEMS } from "./Field.js";

export const Creator = {
  props: {
    path: String,
    draft: String,
    empty: Object,
    problems: Function,
    action: String,
    back: String,
  },
  emits: ["made"],
  setup(props, { emit, slots }) {
    const draft = draftOf(props.draft);
    const typed = shallowRef(draft ?? props.empty);
    const creating = useAction();
    const create = useCreation();
    provide(
      PROBLEMS,
      computed(() => creating.failure.value?.errors ?? []),
    );
    watch(typed, () => keepDraft(props.draft, typed.value));
    const change = (members) => {
      typed.value = { ...typed.value, ...members };
    };
    const save = (event) => {
      event.preventDefault();
      creating.run(async () => {
        checkLocally(props.problems(typed.value));
        const { body } = await create(props.path, typed.value);
        dropDraft(props.draft);
        emit("made", body);
      });
    };
    return () => html`<form class="sheet form" novalidate onSubmit=${save}>
      <${DraftNotice} isRestored=${Boolean(draft)} />
      ${slots.default(typed.value, change)}
      <${FailureNotice} failure=${creating.failure.value} />
      <div class="actions">
        <button type="submit" disabled=${creating.isBusy.value}>${props.action}</button>
        <a class="button quiet" href=${address(props.back)} onClick=${() => dropDraft(props.draft)}>Cancel</a>
      </div>
    </form>`;
  },
};
