/**
 * What a Convolution Kernel (0018,1210) is for, by its name: every vendor has names of its own, and DICOM has no code
 * for it. A name that is in no list is of no kind; a rule can still ask for it by name.
 */
import { matchesPattern } from './pattern.ts';

export const KERNEL_KINDS = ['soft', 'lung'] as const;
export type KernelKind = (typeof KERNEL_KINDS)[number];

/** `*` stands for any text. */
export const KERNELS: Readonly<Record<KernelKind, Readonly<Record<string, readonly string[]>>>> = {
  soft: {
    GE: ['STANDARD', 'STND', 'STD+', 'SOFT', 'CHEST', 'DETAIL'],
    Siemens: [
      ...['B1*', 'B2*', 'B3*', 'B4*', 'Br2*', 'Br3*', 'Br4*', 'Bf2*', 'Bf3*', 'Bf4*', 'Bv3*', 'Bv4*'],
      ...['Qr3*', 'Qr4*', 'I2*', 'I3*', 'I4*', 'D2*', 'D3*', 'H1*', 'H2*', 'H3*', 'H4*', 'Hr3*', 'Hr4*', 'J3*', 'J4*'],
    ],
    Philips: ['A', 'B', 'C', 'UA', 'UB', 'UC'],
    Canon: ['FC0*', 'FC1*', 'FC2*'],
    'United Imaging': ['B_SOFT*'],
  },
  lung: {
    GE: ['LUNG'],
    Siemens: ['B5*', 'B6*', 'B7*', 'B8*', 'Bl*', 'Br5*', 'Br6*', 'Br7*', 'I5*', 'I6*', 'I7*'],
    Philips: ['L', 'D', 'YB', 'YC', 'YD'],
    Canon: ['FC5*'],
    'United Imaging': ['B_SHARP*', 'B_VSHARP*'],
  },
};

/** @param name the first value of the attribute; Siemens puts a strength behind it */
export function kernelKind(name: string): KernelKind | undefined {
  return KERNEL_KINDS.find((kind) =>
    Object.values(KERNELS[kind]).some((patterns) => patterns.some((pattern) => matchesPattern(name, pattern))),
  );
}
