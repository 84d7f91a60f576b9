// Settings of FTP servers.
import { expect, test } from 'vitest'
import { exportProftpd, exportVsftpd } from '../../src/export/ftp.ts'
import { parseSite } from '../../src/site/parse.ts'
import { siteWith } from '../site/support/build.ts'

const siteOf = (ports: unknown, forwarding: string) =>
  parseSite(
    siteWith(
      ['services.s.virtual', { address: '172.16.0.1', protocol: 'tcp', ports }],
      ['services.s.forwarding', forwarding],
      ['services.s.checks', [{ ftp: { port: 21 } }]],
    ),
  ).site

test('with masquerade the server names the virtual address', () => {
  const site = siteOf([21, '10000-20000'], 'masquerade')
  expect(exportVsftpd(site, new Map())).toEqual({
    text: '# s\npasv_min_port=10000\npasv_max_port=20000\npasv_address=172.16.0.1\n',
    lost: [],
  })
  expect(exportProftpd(site, new Map()).text).toBe('# s\nPassivePorts 10000 20000\nMasqueradeAddress 172.16.0.1\n')
})

test('with direct routing it has the address', () => {
  const site = siteOf(['20-21', '1024-65535'], 'direct')
  expect(exportVsftpd(site, new Map()).text).toBe('# s\npasv_min_port=1024\npasv_max_port=65535\n')
})

test.each([[[80, 443]], [[21, 80]], ['all']])('%j: no FTP service', (ports) => {
  const lost = ['no service has the TCP port 21 and a range of ports']
  expect(exportProftpd(siteOf(ports, 'direct'), new Map())).toEqual({ text: '', lost })
})
