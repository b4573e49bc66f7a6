/** The timeline as a drawing that also says in words what it shows. */
import type { FC } from "hono/jsx";
import { type Cut, LANES, msText, type Timeline } from "./timeline.js";

const LEFT = 70;
const LANE = 34;
const TOP = 22;
const NAMES = { model: "model", gate: "gate", people: "people", tool: "tool" } as const;

export const TimelineFigure: FC<{ timeline: Timeline }> = ({ timeline: { bars, cuts, totalMs } }) => {
  const height = TOP + LANES.length * LANE + 8;
  return (
    <figure tabindex={0} aria-label="Timeline; scrolls sideways where it is wider than the page">
      <svg
        viewBox={`0 0 ${LEFT + 1000 + 10} ${height}`}
        role="img"
        aria-label={`Timeline over ${msText(totalMs)}: ${bars.length} parts on the lanes model, gate, people and tool; every part is named in the table of steps below`}
      >
        {cuts.map((cut) => (
          <CutMark cut={cut} height={height} />
        ))}
        {LANES.map((lane, index) => (
          <g>
            <text x="0" y={TOP + index * LANE + 18}>
              {NAMES[lane]}
            </text>
            <path class="lane" d={`M${LEFT} ${TOP + index * LANE + LANE - 5}H${LEFT + 1000}`} />
            {bars
              .filter((bar) => bar.lane === lane)
              .map((bar) => (
                <rect
                  class={`bar-${lane}`}
                  x={LEFT + round(bar.x)}
                  y={TOP + index * LANE + 4}
                  width={round(bar.width)}
                  height={LANE - 12}
                  rx="2"
                >
                  <title>{`step ${bar.turn}: ${bar.label}`}</title>
                </rect>
              ))}
          </g>
        ))}
      </svg>
      <figcaption class="soft">
        {msText(totalMs)} in all.
        {cuts.length === 0
          ? ""
          : " Dashed stretches are drawn shorter than they were; how long they were stands above them."}
      </figcaption>
    </figure>
  );
};

const CutMark: FC<{ cut: Cut; height: number }> = ({ cut: { x, width, text }, height }) => (
  <g>
    <rect class="cut" x={LEFT + round(x)} y={TOP} width={round(width)} height={height - TOP - 4} />
    <text class="quiet" x={LEFT + round(x + width / 2)} y={TOP - 7} text-anchor="middle">
      {text}
    </text>
  </g>
);

const round = (value: number) => Math.round(value * 10) / 10;
