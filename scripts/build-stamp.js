/** Written at the end of each build. */
export const buildStamp = 'dist/.built'
