/** Values of the graph's output; the card says the same to the rest of the world. */
export const LABEL = { right: 1, left: 2, airway: 3, otherAir: 4 } as const;
