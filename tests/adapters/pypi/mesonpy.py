# SPDX-License-Identifier: MIT
"""
mesonpy.py: says that a source archive needs nothing, so that pip downloads it
without building it first.

pip asks a package's build system (for nanoarrow, one of this name) what the
package depends on, before it keeps the archive; the real one compiles all of
it to find out. Only its C sources are wanted here, and they need nothing.
"""
import os


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name = 'nanoarrow-0.7.0.dist-info'
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, 'METADATA'), 'w') as out:
        out.write('Metadata-Version: 2.1\nName: nanoarrow\n'
                  'Version: 0.7.0\n')
    return name
