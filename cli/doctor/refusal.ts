// IPVS does not answer at all: why, as far as the machine tells, and what to do where.
import { constants } from 'node:os'
import type { Refusal } from './facts.ts'
import { bad, type Finding } from './finding.ts'
import type { HostFacts } from './host.ts'

const AT_BOOT = 'echo ip_vs > /etc/modules-load.d/ipvs.conf'
const NOTHING = 'nothing is balanced'

// A filter of system calls; netlink itself is in every kernel.
function forbidden({ unit }: HostFacts): Finding {
  const what = 'socket refused: AF_NETLINK is not allowed in this process'
  const sandbox = 'the module may be there all the same: a sandbox keeps this process from asking the kernel'
  if (unit === undefined) {
    return bad('netlink-forbidden', { what, why: `${sandbox}; its seccomp profile has to allow socket(AF_NETLINK)` })
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
    what: `this looks like a container (${container}) without modules, whose host has not loaded ip_vs`,
    why: 'a container uses the kernel of its host: the module has to be loaded there, with these commands',
    fix: ['modprobe ip_vs', AT_BOOT],
  })
}

function noModules({ release, moduleFolders }: HostFacts): Finding {
  const others = moduleFolders.length > 0
  return bad('modules-missing', {
    what: `there are no modules of the running kernel ${release} below /lib/modules${others ? `, but those of ${moduleFolders.join(', ')}` : ''}`,
    why: others
      ? 'no module can be loaded: the kernel was replaced since the machine started, and the next start brings the new one; or the machine gets its kernel from elsewhere, and IPVS has to come from there'
      : 'no module can be loaded: the machine gets its kernel from elsewhere, and IPVS has to be loaded or built in there',
    ...(others ? { fix: 'reboot' } : {}),
  })
}

function unavailable({ message, host }: Refusal): Finding {
  const { release, container, moduleFolders, hasModule, modulesDisabled, replacedIn, mayLoad } = host
  if (modulesDisabled) {
    return bad('modules-disabled', {
      what: 'ip_vs is not loaded, and kernel.modules_disabled is 1',
      why: 'until the next boot nobody can load it',
      fix: [AT_BOOT, 'reboot'],
    })
  }
  if (!hasModule && container !== undefined) return inContainer(container)
  if (!moduleFolders.includes(release)) return noModules(host)
  if (!hasModule) {
    return bad('kernel-without-ipvs', {
      what: `the kernel ${release} has no module ip_vs below /lib/modules/${release}`,
      why: 'IPVS needs a kernel built with CONFIG_IP_VS, and the package with all of its modules',
    })
  }
  if (replacedIn.length > 0) {
    return bad('module-blocked', {
      what: `${replacedIn.join(', ')} replaces the loading of ip_vs by a command`,
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
    const why = 'without these rights nothing can be seen or changed'
    return bad('permission-denied', { what: message, why, fix: 'sudo ipvs doctor' })
  }
  return bad('user-namespace', {
    what: 'this process is in a user namespace, as in a rootless container',
    why: 'the kernel wants CAP_NET_ADMIN in the initial one: run it on the host, or in a container that is not rootless and has that capability',
    fix: 'sudo ipvs doctor',
  })
}
