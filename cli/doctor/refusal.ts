// IPVS does not answer at all.
import type { Refusal } from './facts.ts'
import { bad, type Finding } from './finding.ts'

export function explainRefusal({ code, message, userNamespace }: Refusal): Finding {
  if (code === 'ERR_IPVS_UNAVAILABLE') {
    return bad('ipvs-unavailable', { what: message, why: 'nothing is balanced', fix: 'modprobe ip_vs' })
  }
  if (!userNamespace) {
    const why = 'without these rights nothing can be seen or changed'
    return bad('permission-denied', { what: message, why, fix: 'sudo ipvs doctor' })
  }
  return bad('user-namespace', {
    what: 'this process is in a user namespace, as in a rootless container',
    why: 'the kernel wants CAP_NET_ADMIN in the initial one',
    fix: 'run it as root on the host, or in a container that is not rootless and has --cap-add NET_ADMIN',
  })
}
