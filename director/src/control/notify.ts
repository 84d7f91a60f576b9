// Messages to systemd, if it started the daemon.
import { sendDatagram } from 'ipvs'

export type Notification = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1' | `STATUS=${string}`

/** Sends notifications in one message. Without `NOTIFY_SOCKET` it does nothing. Returns why a message was not sent. */
export function notify(...notifications: readonly Notification[]): string | undefined {
  const socket = process.env['NOTIFY_SOCKET']
  if (socket === undefined || socket === '') return undefined
  const monotonic = `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`
  const lines = notifications.flatMap((each) => (each === 'RELOADING=1' ? [each, monotonic] : [each]))
  try {
    sendDatagram(socket, lines.join('\n'))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Half of systemd's watchdog time in milliseconds; `undefined`: no watchdog. */
export function watchdogInterval(): number | undefined {
  const microseconds = Number(process.env['WATCHDOG_USEC'] ?? '')
  const other = process.env['WATCHDOG_PID']
  if (!(microseconds > 0) || (other !== undefined && Number(other) !== process.pid)) return undefined
  return microseconds / 2000
}
