/** Which models are batched, and whether their graphs allow it. */
import type { GraphInterface } from '../../adapters/onnxruntime/graph.ts';
import { WetreadError } from '../../src/errors.ts';
import type { BatchRule } from './batcher.ts';

/** Of a card. @throws WetreadError `package-invalid` where it is there and says something else */
export function batchRuleIn(batching: unknown): BatchRule | undefined {
  if (batching === undefined) return undefined;
  const { maximum, delayMs } = Object(batching) as Partial<Record<string, unknown>>;
  if (!isWhole(maximum, 2) || typeof delayMs !== 'number' || !(delayMs >= 0))
    throw new WetreadError('package-invalid', 'The card asks for batching, and does not say maximum and delayMs');
  return { maximum, delayMs };
}

/** `NAME=MAXIMUM:DELAY`, such as `chest-view=16:5`. @throws WetreadError `config-invalid` */
export function batchRulesFrom(option: string, texts: readonly string[]): ReadonlyMap<string, BatchRule> {
  return new Map(
    texts.map((text) => {
      const [, name = '', maximum, delay] = /^([^=]+)=(\d+):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
      if (!isWhole(Number(maximum), 2))
        throw new WetreadError('config-invalid', `${option} is NAME=MAXIMUM:DELAY, such as chest-view=16:5`);
      return [name, { maximum: Number(maximum), delayMs: Number(delay) }];
    }),
  );
}

function isWhole(value: unknown, low: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= low;
}

/** @throws WetreadError `package-invalid`, naming the tensor that cannot be joined */
export function requireVariableRows({ inputs, outputs }: GraphInterface): void {
  for (const [kind, specs] of Object.entries({ input: inputs, output: outputs })) {
    for (const { name, shape, datatype } of specs) {
      const [rows] = shape;
      const because =
        (datatype === 'BYTES' && 'holds texts') ||
        (rows === undefined && 'has no axis') ||
        (rows !== -1 && `has a first axis that is fixed to ${rows}`);
      if (because !== false)
        throw new WetreadError('package-invalid', `The model cannot be batched: ${kind} ${name} ${because}`);
    }
  }
}
