/**
 * Learns the weights of the graph from synthetic radiographs: `node models/sources/dx-heart-size/learn.ts` writes
 * `weights.json`, always the same, in some minutes. Then `npm run models` makes the package.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageRequest, prepareImage } from '../../../src/inference/images/prepare-image.ts';
import type { CardOf } from '../../../src/inference/model-package.ts';
import { imageOf } from './image-of.ts';
import { chests, type Example, others } from './pictures.ts';
import { ridge } from './ridge.ts';

const EXAMPLES = { chests: 240, others: 330, seeds: [1, 2] } as const;
/** Tried on examples of seeds 3 and 4, which no figure of the card is from. */
const PENALTY = 1;

const card = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'dx-heart-size', 'card.json'), 'utf8'),
) as CardOf<'image'>;

/** What the graph is given of a picture, and 1. */
function features({ picture }: Example): Float64Array {
  const [tensor] = imageRequest(card, prepareImage(imageOf(picture), card.input)).inputs;
  return Float64Array.from([...(tensor!.data as Float32Array), 1]);
}

function text(weights: Float64Array): string {
  return Buffer.from(Float32Array.from(weights).buffer).toString('base64');
}

const frontal = chests(EXAMPLES.chests, EXAMPLES.seeds[0]);
const inside = frontal.map(features);
const outside = others(EXAMPLES.others, EXAMPLES.seeds[1]).map(features);
const ratio = ridge(
  inside,
  frontal.map((example) => example.ratio!),
  PENALTY,
);
const chest = ridge([...inside, ...outside], [...inside.map(() => 1), ...outside.map(() => -1)], PENALTY);
writeFileSync(
  join(import.meta.dirname, 'weights.json'),
  `${JSON.stringify({ ratio: text(ratio), chest: text(chest) }, null, 2)}\n`,
);
