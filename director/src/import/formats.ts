// The files that can be imported, by name.
import type { Importer } from './imported.ts'
import { importIpvsadm } from './ipvsadm.ts'
import { importKeepalived } from './keepalived.ts'
import { importLdirectord } from './ldirectord.ts'
import { importLvsCf } from './lvs-cf.ts'

/** Names as on the command line. */
export const formats: Readonly<Record<string, { readonly importer: Importer; readonly about: string }>> = {
  'lvs.cf': { importer: importLvsCf, about: 'Piranha: pulse, lvsd, nanny' },
  keepalived: { importer: importKeepalived, about: 'keepalived.conf' },
  ldirectord: { importer: importLdirectord, about: 'ldirectord.cf' },
  ipvsadm: { importer: importIpvsadm, about: 'ipvsadm -S' },
}
