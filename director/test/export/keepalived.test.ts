// keepalived.conf: what is exported, and what the importer makes of it.
import { describe, expect, test } from 'vitest'
import { exportKeepalived } from '../../src/export/keepalived.ts'
import { marksOf } from '../../src/desired/marks.ts'
import { importWith } from '../../src/import/context.ts'
import type { Imported } from '../../src/import/imported.ts'
import { importKeepalived } from '../../src/import/keepalived.ts'
import { markedVirtuals } from '../../src/import/marked.ts'
import { siteText } from '../../src/import/write.ts'
import { parseSite } from '../../src/site/parse.ts'
import { sampleTexts } from '../import/samples.ts'
import { siteWith } from '../site/support/build.ts'

function exported(text: string): ReturnType<typeof exportKeepalived> {
  const { site } = parseSite(text)
  return exportKeepalived(site, marksOf(site, { marks: {} }, new Set()))
}

function imported(text: string, rules: string | undefined): Imported['site'] {
  const none = new Map<never, never>()
  const foreign = rules === undefined ? { marked: none, activeFtp: false } : markedVirtuals(rules)
  return importWith(importKeepalived, text, {
    addresses: none,
    programs: none,
    includes: none,
    ports: none,
    ...foreign,
  }).site
}

describe('an exported site is imported as the same site', () => {
  test.each([
    'web-dr.conf',
    'sorry-http.conf',
    'tls-digest.conf',
    'group.conf',
    'tunnel.conf',
    'ipv6.conf',
    'vpn-mark.conf',
  ])('%s', (name) => {
    const [text, rules] = sampleTexts('keepalived', name)
    const site = imported(text, rules)
    const again = imported(exported(siteText(site)).text, rules)
    expect(parseSite(siteText(again)).site.services.map(withoutName)).toEqual(
      parseSite(siteText(site)).site.services.map(withoutName),
    )
  })
})

/** Groups have other names when they come back. */
const withoutName = (service: { readonly name: string }): object => ({ ...service, name: '' })

test('every check, and what keepalived has no word for', () => {
  const checks = [
    { tcp: { send: 'PING', expect: 'PONG' } },
    { http: { path: '/x', host: 'www.example.com', status: ['200-299', 301], body: { match: 'a "b"', absent: 'c' } } },
    { https: { port: 443, verify: true, method: 'HEAD', headers: { a: 'b' } } },
    { dns: { port: 53, query: 'example.com', type: 'SOA', expect: 'x' } },
    { udp: { port: 53, send: 'hi', expect: 'y' } },
    { ping: { interval: '500ms' } },
    { smtp: { port: 25, from: { address: '10.0.0.9', device: 'eth0' } } },
    { command: { run: ['/bin/check', 'a b'], rise: 1, fall: 1 } },
    { redis: { port: 6379 } },
    { agent: { port: 9000 } },
  ]
  const { text, lost } = exported(
    siteWith(
      ['services.s.servers', [{ name: 'a', address: '10.0.0.1' }]],
      ['services.s.checks', checks],
      ['services.s.slowStart', { for: '30s' }],
    ),
  )
  expect(text).toMatchInlineSnapshot(`
    "# s
    virtual_server 172.16.0.1 80 {
        lvs_sched wlc
        lvs_method DR
        protocol TCP
        alpha

        real_server 10.0.0.1 80 {
            weight 1
            inhibit_on_failure
            TCP_CHECK {
                connect_port 80
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            HTTP_GET {
                url {
                    path /x
                    status_code 200-299 301
                    virtualhost www.example.com
                    regex "a \\"b\\""
                    regex_no_match "c"
                }
                connect_port 80
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            SSL_GET {
                url {
                    path /
                    status_code 200-299
                }
                connect_port 443
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            DNS_CHECK {
                type SOA
                name example.com
                connect_port 53
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            UDP_CHECK {
                payload 6869
                require_reply
                connect_port 53
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            PING_CHECK {
                connect_timeout 2
                delay_loop 0.5
                retry 2
                delay_before_retry 0.5
            }
            SMTP_CHECK {
                connect_port 25
                bindto 10.0.0.9
                bind_if eth0
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
            MISC_CHECK {
                misc_path "/bin/check 'a b'"
                misc_timeout 2
                delay_loop 5
                retry 0
                delay_before_retry 1
            }
            TCP_CHECK {
                connect_port 6379
                connect_timeout 2
                delay_loop 5
                retry 2
                delay_before_retry 1
            }
        }
    }
    "
  `)
  expect(lost).toMatchInlineSnapshot(`
    [
      "services.s: slowStart",
      "services.s: rise 2: one success is enough for keepalived",
      "services.s: send and expect: keepalived only connects",
      "services.s: method HEAD",
      "services.s: headers",
      "services.s: keepalived does not verify certificates",
      "services.s: expect: any answer is enough",
      "services.s: programs need script_user and enable_script_security in global_defs",
      "services.s: IPVS_DIRECTOR_ADDRESS is not set for programs",
      "services.s: redis: keepalived only connects",
      "services.s: agent: there is no such checker",
    ]
  `)
})
