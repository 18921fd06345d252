/** Values of the graph's output; the card says the same to the rest of the world. */
export const LABEL = { bone: 1, fat: 2, softTissue: 3, gas: 4 } as const;
