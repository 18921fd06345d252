/** Who this is: on every study, from the images themselves; kept in the document only, never in an address or title. */
import { element, show } from './dom.js';
import { ageInYears, dicomDate, personName } from './text.js';

/** @import { HeaderAnswer } from '../answers.ts' */

export class PatientBar {
  constructor() {
    this.node = element('section', { class: 'patient', 'aria-label': 'Patient and study' }, 'Patient: loading…');
  }

  /** @param {HeaderAnswer} header */
  show({ patient, study }) {
    const { patientName, patientId, patientBirthDate, patientSex } = patient;
    const age = ageInYears(patientBirthDate, study.studyDate);
    const born = patientBirthDate && `${dicomDate(patientBirthDate)}${age === undefined ? '' : ` (${age} y)`}`;
    show(
      this.node,
      element('strong', { class: 'name' }, patientName ? personName(patientName) : 'No name in the images'),
      fact('ID', patientId ?? 'none'),
      fact('Born', born ?? 'not recorded'),
      fact('Sex', patientSex ?? 'not recorded'),
      element('span', { class: 'gap' }),
      element('strong', {}, study.studyDescription ?? 'Study without description'),
      fact('Date', study.studyDate ? dicomDate(study.studyDate) : 'not recorded'),
      study.accessionNumber && fact('Accession', study.accessionNumber),
    );
  }

  /** @param {string} message */
  fail(message) {
    this.node.classList.add('unknown');
    show(this.node, element('strong', {}, 'Patient unknown: '), `${message}. Check the identity elsewhere.`);
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
function fact(name, value) {
  return element('span', { class: 'fact' }, element('span', { class: 'muted' }, `${name} `), value);
}
