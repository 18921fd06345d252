/** The part of dcmjs that the phantom writes files with; the package has no types of its own. */
declare module 'dcmjs' {
  interface DicomDict {
    dict: Record<string, unknown>;
    write(options: { readonly fragmentMultiframe: boolean }): ArrayBuffer;
  }
  const dcmjs: {
    readonly data: {
      readonly DicomDict: new (meta: Record<string, unknown>) => DicomDict;
      readonly DicomMetaDictionary: {
        denaturalizeDataset(dataSet: Record<string, unknown>): Record<string, unknown>;
      };
    };
  };
  export = dcmjs;
}
