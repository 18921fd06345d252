declare module 'dcmjs/dictionary' {
  /** Keys are `(0028,0010)`, or `(6000-60FF,3000)` for repeating groups. */
  export const dictionary: Readonly<Record<string, { readonly vr?: string; readonly name: string }>>;
}
