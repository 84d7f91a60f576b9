// Settings of ldirectord.cf that a site does not have.
import type { Remarks } from './imported.ts'
import type { LdirectordFile, LdirectordSetting } from './ldirectord-lines.ts'

const mail = 'mail at a change: read "ipvs-director events", or the journal'
type Loss = string | ((value: string) => string | undefined) | undefined

/** A setting that is not here is not known. */
const known: Readonly<Record<string, Loss>> = {
  autoreload: undefined, // the file is watched
  callback: 'a command after a reload',
  checkcommand: undefined,
  checkcount: undefined,
  checkinterval: undefined,
  checkport: undefined,
  checktimeout: undefined,
  checktype: undefined,
  cleanstop: (value) => (value === 'no' ? undefined : 'the table stays when the daemon stops'),
  comment: undefined,
  database: undefined,
  emailalert: mail,
  emailalertfrom: undefined,
  emailalertfreq: undefined,
  emailalertstatus: undefined,
  execute: 'another ldirectord that is started',
  failurecount: undefined,
  fallback: undefined,
  fallbackcommand: 'a command while no server is up',
  fork: undefined,
  httpmethod: undefined,
  load: undefined,
  logfile: undefined, // standard error, the journal
  login: undefined,
  maintenancedir: 'files that take servers out: "ipvs-director drain SERVER" and "undrain" do it',
  monitorfile: undefined,
  negotiatetimeout: undefined,
  netmask: undefined,
  ops: undefined,
  passwd: undefined,
  persistent: undefined,
  protocol: undefined,
  quiescent: undefined,
  readdquiescent: undefined,
  real: undefined,
  real6: undefined,
  receive: undefined,
  request: undefined,
  scheduler: undefined,
  secret: undefined,
  service: undefined,
  servicename: undefined,
  smtp: undefined,
  supervised: undefined,
  virtualhost: undefined,
}

export function remarkLdirectord(file: LdirectordFile, remarks: Remarks): void {
  const all: readonly LdirectordSetting[] = [...file.settings, ...file.virtuals.flatMap(({ settings }) => settings)]
  for (const { line, key, value } of all) {
    const shown = `${key} = ${value}`
    if (!Object.hasOwn(known, key)) remarks.add('lost', line, `${shown}: not known`)
    else {
      const loss = known[key]
      const text = typeof loss === 'function' ? loss(value) : loss
      if (text !== undefined) remarks.add('lost', line, `${shown}: ${text}`)
    }
  }
}
