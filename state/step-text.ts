// Steps in words.
import type { BatchOperation } from 'ipvs'
import { destinationKeyOf, type Step } from './difference.ts'
import { serviceText } from './key-text.ts'

function operationText(operation: BatchOperation): string {
  switch (operation.operation) {
    case 'addService':
      return `+ service ${serviceText(operation.service)} ${operation.service.scheduler ?? 'wlc'}`
    case 'updateService':
      return `~ service ${serviceText(operation.service)} ${JSON.stringify(operation.patch)}`
    case 'removeService':
      return `- service ${serviceText(operation.service)}`
    case 'addDestination':
      return `+ ${serviceText(operation.service)} -> ${destinationKeyOf(operation.service)(operation.destination)}`
    case 'updateDestination': {
      const where = destinationKeyOf(operation.service)(operation.destination)
      return `~ ${serviceText(operation.service)} -> ${where} ${JSON.stringify(operation.patch)}`
    }
    case 'removeDestination':
      return `- ${serviceText(operation.service)} -> ${destinationKeyOf(operation.service)(operation.destination)}`
    default:
      return operation.operation
  }
}

/** A line for people: `+` is added, `~` changed, `-` removed. */
export function stepText(step: Step): string {
  switch (step.name) {
    case 'timeouts':
      return `~ timeouts ${JSON.stringify(step.timeouts)}`
    case 'stopDaemon':
      return `- ${step.role} daemon`
    case 'startDaemon':
      return `+ ${step.daemon.role} daemon on ${step.daemon.interface}`
    case 'marks':
    case 'nat':
      return `~ ${step.name}: ${step.rules.length} rules`
    case 'repair':
      return `~ marks: repair (${step.problems.join('; ')})`
    default:
      return operationText(step.operation)
  }
}

/** The same with what it changes in detail, on lines of their own. */
export function stepLines(step: Step): string {
  const changes = 'changes' in step ? step.changes : []
  return [stepText(step), ...changes.map((each) => `  ${each}`)].map((line) => `${line}\n`).join('')
}
