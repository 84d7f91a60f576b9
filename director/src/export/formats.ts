// What a site can be exported to, by name.
import type { Exporter } from './exported.ts'
import { exportProftpd, exportVsftpd } from './ftp.ts'
import { exportKeepalived } from './keepalived.ts'

export const exporters: Readonly<Record<string, Exporter>> = {
  keepalived: exportKeepalived,
  vsftpd: exportVsftpd,
  proftpd: exportProftpd,
}
