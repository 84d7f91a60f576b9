// The settings that an FTP server needs behind a service with a range of passive ports.
import type { SiteService } from '../site/site.ts'
import type { Exported, Exporter } from './exported.ts'

interface FtpService {
  readonly service: SiteService
  readonly address: string
  readonly from: number
  readonly to: number
}

const CONTROL_PORT = 21

/** Services with port 21 and one range besides. */
function ftpServices(services: readonly SiteService[]): FtpService[] {
  return services.flatMap((service) =>
    service.virtuals.flatMap(({ address, protocol, ports }) => {
      if (protocol !== 'tcp' || ports === 'all') return []
      const hasControl = ports.some(({ from, to }) => from <= CONTROL_PORT && CONTROL_PORT <= to)
      const range = ports.find(({ from, to }) => from > CONTROL_PORT && to > from)
      return hasControl && range !== undefined ? [{ service, address, ...range }] : []
    }),
  )
}

/** With masquerade the server has to name the virtual address; with direct routing it has it. */
const namesAddress = ({ service }: FtpService): boolean =>
  service.servers.some(({ forwarding }) => forwarding === 'masquerade')

function linesFor(make: (ftp: FtpService) => readonly string[]): Exporter {
  return ({ services }): Exported => {
    const found = ftpServices(services)
    const text = found.flatMap((each) => [`# ${each.service.name}`, ...make(each)]).join('\n')
    const lost = found.length === 0 ? ['no service has the TCP port 21 and a range of ports'] : []
    return { text: text === '' ? '' : `${text}\n`, lost }
  }
}

/** Lines of vsftpd.conf. */
export const exportVsftpd: Exporter = linesFor((ftp) => [
  `pasv_min_port=${ftp.from}`,
  `pasv_max_port=${ftp.to}`,
  ...(namesAddress(ftp) ? [`pasv_address=${ftp.address}`] : []),
])

/** Lines of proftpd.conf. */
export const exportProftpd: Exporter = linesFor((ftp) => [
  `PassivePorts ${ftp.from} ${ftp.to}`,
  ...(namesAddress(ftp) ? [`MasqueradeAddress ${ftp.address}`] : []),
])
