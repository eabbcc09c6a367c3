/** The version of this build: the bundler replaces the variable with the release's version. */
export const providerVersion: string = process.env.MOORING_PROVIDER_VERSION ?? '0.0.0'
