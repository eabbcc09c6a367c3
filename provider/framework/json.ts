/** What JSON text can say. */
export type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json }
