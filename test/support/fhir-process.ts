/** The FHIR server of the tests as a process that may be killed: what it had answered is there when it starts again. */
import { startFhirServer } from './fhir-server.ts';

const [port, journal] = process.argv.slice(2);
const server = await startFhirServer(Number(port), journal);
process.stdout.write(`${server.url}\n`);
