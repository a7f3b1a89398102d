/** The keys of one algorithm in time. The table beside it says the same in words. */

import { html } from "../html.js";
import { moment } from "../logic/format.js";
import { placeOf, spansOf } from "../logic/timeline.js";
import { now } from "../session.js";

const WIDTH = 1000;
const ROW = 28;
const STATES = ["published", "active", "retired"];

export const KeyTimeline = {
  props: { keys: Array, range: Object, title: String },
  setup(props) {
    const bar = (key, row) =>
      spansOf(key, props.range).map(
        (span) => html`<rect
          key=${key.kid + span.state}
          class=${`span ${span.state} ${span.isOpen ? "open" : ""}`}
          x=${span.from * WIDTH}
          y=${row * ROW + 6}
          width=${Math.max(2, (span.until - span.from) * WIDTH)}
          height=${ROW - 12}
        />`,
      );
    return () => {
      const { keys, range, title } = props;
      const height = keys.length * ROW;
      const today = placeOf(now(), range) * WIDTH;
      return html`<figure class="timeline">
        <svg viewBox=${`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" role="img" aria-label=${title}>
          ${keys.map(bar)}
          <line class="now" x1=${today} x2=${today} y1="0" y2=${height} />
        </svg>
        <figcaption>
          <span>${moment(range.from)}</span>
          <span aria-hidden="true">
            ${STATES.map((state) => html`<span class=${`legend ${state}`}>${state}</span>`)}
          </span>
          <span>${moment(range.until)}</span>
        </figcaption>
      </figure>`;
    };
  },
};
