/** `daemon`: an ordinary user that every Debian has; `initdb` refuses a uid without a name. */
export const ordinaryUid = 1
