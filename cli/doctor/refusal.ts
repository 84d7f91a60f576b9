// IPVS is unavailable: the cause, as far as it shows on this machine, and the fix.
import { constants } from 'node:os'
import type { Refusal } from './facts.ts'
import { bad, type Finding } from './finding.ts'
import type { HostFacts } from './host.ts'

const AT_BOOT = 'echo ip_vs > /etc/modules-load.d/ipvs.conf'
const NOTHING = 'nothing is balanced'

// A filter of system calls; netlink itself is in every kernel.
function forbidden({ unit }: HostFacts): Finding {
  const what = 'socket refused: AF_NETLINK is not allowed in this process'
  const sandbox = 'ip_vs may be loaded: a sandbox denies this process netlink sockets'
  if (unit === undefined) {
    return bad('netlink-forbidden', { what, why: `${sandbox}; its seccomp profile must allow socket(AF_NETLINK)` })
  }
  const folder = `/etc/systemd/system/${unit}.d`
  return bad('netlink-forbidden', {
    what,
    why: `${sandbox}, RestrictAddressFamilies= of ${unit}`,
    fix: [
      `mkdir -p ${folder}`,
      `printf '[Service]\\nRestrictAddressFamilies=AF_NETLINK\\n' > ${folder}/ipvs.conf`,
      'systemctl daemon-reload',
      `systemctl restart ${unit}`,
    ],
  })
}

function inContainer(container: string): Finding {
  return bad('module-of-host', {
    what: `this looks like a container (${container}) without modules, and ip_vs is not loaded on its host`,
    why: 'a container uses the kernel of its host: load the module on the host, with these commands',
    fix: ['modprobe ip_vs', AT_BOOT],
  })
}

function noModules({ release, moduleFolders }: HostFacts): Finding {
  const upgraded = moduleFolders.length > 0
  return bad('modules-missing', {
    what: `there are no modules of the running kernel ${release} below /lib/modules${upgraded ? `, only modules of ${moduleFolders.join(', ')}` : ''}`,
    why: upgraded
      ? 'no module can be loaded: the kernel package was upgraded since the last boot, so reboot; or the kernel comes from elsewhere, for instance from a hypervisor, and IPVS must be loaded or built in there'
      : 'no module can be loaded: the kernel comes from elsewhere, for instance from a hypervisor, and IPVS must be loaded or built in there',
    ...(upgraded ? { fix: 'reboot' } : {}),
  })
}

function unavailable({ message, host }: Refusal): Finding {
  const { release, container, moduleFolders, hasModule, modulesDisabled, replacedIn, mayLoad } = host
  if (modulesDisabled) {
    return bad('modules-disabled', {
      what: 'ip_vs is not loaded, and kernel.modules_disabled is 1',
      why: 'no module can be loaded until the next boot',
      fix: [AT_BOOT, 'reboot'],
    })
  }
  if (!hasModule && container !== undefined) return inContainer(container)
  if (!moduleFolders.includes(release)) return noModules(host)
  if (!hasModule) {
    return bad('kernel-without-ipvs', {
      what: `the kernel ${release} has no module ip_vs below /lib/modules/${release}`,
      why: 'IPVS needs a kernel with CONFIG_IP_VS, and the package with all its modules',
    })
  }
  if (replacedIn.length > 0) {
    return bad('module-blocked', {
      what: `${replacedIn.join(', ')} blocks ip_vs by an install line`,
      why: `modprobe does not load it: ${NOTHING}`,
      fix: [...replacedIn.map((file) => `sed -i '/^\\s*install\\s\\+ip[_-]vs\\s/d' ${file}`), 'modprobe ip_vs'],
    })
  }
  const fix = mayLoad ? 'modprobe ip_vs' : 'sudo modprobe ip_vs'
  return bad('ipvs-unavailable', { what: message, why: NOTHING, fix })
}

export function explainRefusal(refusal: Refusal): Finding {
  const { code, message, errno, host } = refusal
  if (errno === constants.errno.EAFNOSUPPORT) return forbidden(host)
  if (code === 'ERR_IPVS_UNAVAILABLE') return unavailable(refusal)
  if (!host.userNamespace) {
    const why = 'without CAP_NET_ADMIN nothing can be read or changed'
    return bad('permission-denied', { what: message, why, fix: 'sudo ipvs doctor' })
  }
  return bad('user-namespace', {
    what: 'this process is in a user namespace, as in a rootless container',
    why: 'the kernel requires CAP_NET_ADMIN in the initial user namespace: run ipvs on the host, or in a rootful container with this capability',
    fix: 'sudo ipvs doctor',
  })
}
