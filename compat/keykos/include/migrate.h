/*
 * migrate.h - the external migrate tool.
 */
#ifndef _H_migrate
#define _H_migrate
#include "kktypes.h"

#define Migrate_Wait          0
#define Migrate_MigrateThese  1
#define Migrate_ReadDirectory 2
#define Migrate_StartScan     3
#define Migrate_ScanDirectory 4

#define MIGRATE_CDAsPerPage (4096 / 6)
typedef char Migrate_CDAList[MIGRATE_CDAsPerPage][6];

struct Migrate_DeviceOffset {
	uint16 device, offset;
};

struct Migrate_DirectoryEntry {
	char cda[6];
	struct Migrate_DeviceOffset first, second;
};

#define MIGRATE_DirectoryEntriesPerPage (4096 / sizeof(struct Migrate_DirectoryEntry))
typedef struct Migrate_DirectoryEntry Migrate_Directory[MIGRATE_DirectoryEntriesPerPage];

#endif
