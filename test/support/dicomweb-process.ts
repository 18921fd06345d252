/** The DICOMweb server in a process of its own, so that it can be killed. Arguments: folder. Prints its address. */
import { dicomwebServer } from './dicomweb-server.ts';

const [, , folder] = process.argv;
const server = await dicomwebServer(folder === undefined ? {} : { folder });
process.stdout.write(`${server.url}\n`);
