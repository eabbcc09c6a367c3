import type { Diagnostic, Path } from '../framework/diagnostics.ts'
import { type AttributePath, Diagnostic_Severity, type Diagnostic as DiagnosticMessage } from './generated/tfplugin6.ts'

export function diagnosticMessages(diagnostics: readonly Diagnostic[]): DiagnosticMessage[] {
  return diagnostics.map(({ severity, summary, detail, path }) => ({
    severity: severity === 'error' ? Diagnostic_Severity.ERROR : Diagnostic_Severity.WARNING,
    summary,
    detail,
    attribute: path && path.length > 0 ? pathMessage(path) : undefined,
  }))
}

export function pathMessage(path: Path): AttributePath {
  return {
    steps: path.map((step) => {
      if ('attribute' in step) return { attributeName: step.attribute }
      return 'index' in step ? { elementKeyInt: BigInt(step.index) } : { elementKeyString: step.key }
    }),
  }
}
