mr_find(JPEG libjpeg62-turbo-dev)
mr_pkg(SPNG spng libspng-dev)
mr_header(TOMLPLUSPLUS toml++/toml.h libtomlplusplus-dev)
find_package(fmt REQUIRED)
