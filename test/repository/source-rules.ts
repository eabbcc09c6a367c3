import ts from 'typescript'

/**
 * Names what a source file does that no linter's rule forbids: zod imported otherwise than as a namespace (which
 * bundles every locale), a regular expression built from data (which a user's text could stall), or, in a test, a
 * module that is mocked.
 */
export function sourceViolations(file: string, source: string): string[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const isTest = file.startsWith('test/')
  const violations: string[] = []
  const look = (node: ts.Node): void => {
    const violation = importsZodOtherwise(node) ?? (isTest ? mocks(node) : buildsPattern(node))
    if (violation !== undefined) {
      violations.push(`${file}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${violation}`)
    }
    node.forEachChild(look)
  }
  look(tree)
  return violations
}

function importsZodOtherwise(node: ts.Node): string | undefined {
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return undefined
  if (!/^zod(\/|$)/.test(node.moduleSpecifier.text)) return undefined
  const bindings = node.importClause?.namedBindings
  const isRight =
    node.moduleSpecifier.text === 'zod' &&
    node.importClause?.name === undefined &&
    bindings !== undefined &&
    ts.isNamespaceImport(bindings) &&
    bindings.name.text === 'z'
  return isRight ? undefined : "write `import * as z from 'zod'`: any other import bundles every locale"
}

function buildsPattern(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 'RegExp') return undefined
  const [pattern] = node.arguments ?? []
  const isLiteral = pattern && (ts.isStringLiteralLike(pattern) || ts.isRegularExpressionLiteral(pattern))
  return isLiteral ? undefined : 'no regular expression is built from data: match by hand, or write a literal'
}

function mocks(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined
  const { expression, name } = node.expression
  const isMock = ts.isIdentifier(expression) && expression.text === 'vi' && ['mock', 'doMock'].includes(name.text)
  return isMock ? 'tests use the real thing: no module is mocked' : undefined
}
