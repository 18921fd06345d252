/** Frames at the same position: several volumes in one series (time points, echoes, acquisitions), or duplicates. */
import { type Reason, reason } from '../reasons.ts';
import { byInstance, compareText } from './arrivals.ts';
import type { Choice, SetAside } from './consistency.ts';
import { dot, norm, subtract } from './geometry.ts';
import type { SliceFrame } from './slice-frame.ts';
import { valuesOf } from './slots.ts';

/** Frames nearer to each other than this lie at the same position, mm: a fifth of the finest slice distance in use. */
export const SAME_POSITION_MM = 0.01;

/** Frames of one position, ordered by `byInstance`; positions ascend along the normal. */
type Position = readonly SliceFrame[];

export interface OneVolume extends Choice {
  /** One frame per position, ascending along the normal. */
  readonly frames: readonly SliceFrame[];
  readonly notes: readonly Reason[];
}

/**
 * One frame per position.
 *
 * Several volumes: the first value of the first mark (acquisition, time point, echo …) whose frames cover every
 * position exactly once is read, the rest is set aside with a note. Equal frames at one position: the one with the
 * lowest instance number is read. Anything else is refused: no rule says which frame is meant.
 * @param frames one consistent group, ordered by `byInstance`.
 */
export function oneVolume(frames: readonly SliceFrame[]): OneVolume | Reason {
  const positions = positionsOf(frames);
  if (positions.length === frames.length)
    return { frames: positions.map(([frame]) => frame!), setAside: [], notes: [] };
  return firstVolume(frames, positions.length) ?? withoutDuplicates(positions);
}

/** Groups frames by position, ascending along the normal. */
function positionsOf(frames: readonly SliceFrame[]): readonly Position[] {
  const normal = frames[0]!.axes.normal;
  const sorted = [...frames].sort((a, b) => dot(subtract(a.position, b.position), normal) || byInstance(a, b));
  const positions: SliceFrame[][] = [];
  for (const frame of sorted) {
    const last = positions.at(-1);
    const near = last !== undefined && norm(subtract(frame.position, last[0]!.position)) < SAME_POSITION_MM;
    if (near) last.push(frame);
    else positions.push([frame]);
  }
  return positions.map((position) => position.sort(byInstance));
}

function firstVolume(frames: readonly SliceFrame[], positionCount: number): OneVolume | undefined {
  const names = [...new Set(frames.flatMap((frame) => Object.keys(frame.marks)))];
  const single = names.map((name) => [name]);
  const varying = names.filter((name) => name !== 'instance' && new Set(frames.map((f) => f.marks[name])).size > 1);
  for (const mark of [...single, varying]) {
    const values = groupBy(frames, (frame) => mark.map((name) => frame.marks[name] ?? '').join(' '));
    for (const [, members] of [...values].sort(([a], [b]) => compareValues(a, b))) {
      if (members.length === frames.length || members.length !== positionCount) continue;
      const positions = positionsOf(members);
      if (positions.length !== positionCount) continue;
      const many = reason('several-volumes', `${values.size} by ${mark.join(' and ')}; the first complete one is read`);
      const chosen = new Set(members);
      const setAside = frames.filter((f) => !chosen.has(f)).map((frame) => ({ frame, reason: many }));
      return { frames: positions.map(([frame]) => frame!), setAside, notes: [many] };
    }
  }
  return undefined;
}

function groupBy(frames: readonly SliceFrame[], key: (frame: SliceFrame) => string): Map<string, SliceFrame[]> {
  const groups = new Map<string, SliceFrame[]>();
  for (const frame of frames) {
    const group = groups.get(key(frame));
    if (group === undefined) groups.set(key(frame), [frame]);
    else group.push(frame);
  }
  return groups;
}

/** Numbers as numbers, everything else as text. */
function compareValues(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? compareText(a, b) : difference;
}

function withoutDuplicates(positions: readonly Position[]): OneVolume | Reason {
  const frames: SliceFrame[] = [];
  const setAside: SetAside[] = [];
  const duplicate = reason('duplicate-slice', 'identical; the lowest instance number is read');
  for (const [first, ...others] of positions) {
    const different = others.filter((other) => !sameImage(first!, other));
    if (different.length > 0) return conflict(positions);
    frames.push(first!);
    setAside.push(...others.map((frame) => ({ frame, reason: duplicate })));
  }
  return { frames, setAside, notes: [reason('duplicate-slice', `${setAside.length} identical slices dropped`)] };
}

function sameImage(a: SliceFrame, b: SliceFrame): boolean {
  if (a.slope !== b.slope || a.intercept !== b.intercept) return false;
  const size = a.header.rows * a.header.columns;
  const values = valuesOf(b.slot, size);
  return valuesOf(a.slot, size).every((value, index) => value === values[index]);
}

/** Where the volumes overlap completely there are several of them; where they do not, slices contradict each other. */
function conflict(positions: readonly Position[]): Reason {
  const several = positions.filter((position) => position.length > 1);
  if (several.length === positions.length) return reason('several-volumes', 'nothing tells them apart');
  const [frame] = several[0]!;
  const at = dot(frame!.position, frame!.axes.normal).toFixed(1);
  return reason('duplicate-slice', `different slices at ${several.length} positions, the first at ${at} mm`);
}
