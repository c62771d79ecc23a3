/*
 * A PKCS#11 module that stands between a process and a real module: it counts the calls of each function, and at one of them fails, hangs, spoils what the
 * token answered, or lets the token do it and then loses the answer. Compiled by `build.ts`.
 *
 * COLDSEAL_TOKEN_FAULTS names a folder: `module` is a link to the real module; `plan` is one line, "ID WHO FUNCTION NUMBER KIND CODE", and is removed by the
 * process that meets it; `log` gets a line for each call while a plan stands. WHO is "probe" for the child that only tries a module, else "main".
 * Calls count from 1 in each process since it saw the plan of that ID first.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#include "pkcs11.h"

enum name {
  C_Initialize_, C_Finalize_, C_GetInfo_, C_GetSlotList_, C_GetSlotInfo_, C_GetTokenInfo_, C_OpenSession_, C_CloseSession_, C_GetSessionInfo_,
  C_Login_, C_Logout_, C_CreateObject_, C_DestroyObject_, C_GetAttributeValue_, C_FindObjectsInit_, C_FindObjects_, C_FindObjectsFinal_, C_SignInit_,
  C_Sign_, unwrapped_, names_
};
static const char *const names[names_] = {
  "C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_CloseSession", "C_GetSessionInfo",
  "C_Login", "C_Logout", "C_CreateObject", "C_DestroyObject", "C_GetAttributeValue", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_SignInit",
  "C_Sign", "unwrapped"
};

enum kind { none, fail, hang, garbage, cut, lost };
struct fate { enum kind kind; CK_RV code; };

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST list;
static char folder[512];
static const char *who = "main";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char seen[32];
static unsigned long counts[names_];

static const char *at(const char *name) {
  static _Thread_local char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void note(const char *line) {
  int file = open(at("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (write(file, line, strlen(line)) < 0) { /* nobody to tell */ }
  close(file);
}

/* What this call becomes. Looks for a plan without opening anything while there is none, as the calls of the process are counted too. */
static struct fate next(enum name name) {
  struct fate fate = { none, CKR_OK };
  char text[160], id[32], whom[16], function[32], kind[16], line[128];
  unsigned long number = 0, code = 0;
  ssize_t length = -1;
  pthread_mutex_lock(&lock);
  if (access(at("plan"), R_OK) == 0) {
    int file = open(at("plan"), O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
      length = read(file, text, sizeof text - 1);
      close(file);
    }
  }
  if (length > 0) {
    text[length] = 0;
    if (sscanf(text, "%31s %15s %31s %lu %15s %lu", id, whom, function, &number, kind, &code) == 6) {
      if (strcmp(id, seen) != 0) {
        strcpy(seen, id);
        memset(counts, 0, sizeof counts);
      }
    } else length = -1;
  }
  unsigned long count = ++counts[name];
  if (length > 0) {
    snprintf(line, sizeof line, "%s %d %s %lu\n", who, (int)getpid(), names[name], count);
    note(line);
  }
  if (length > 0 && count == number && strcmp(function, names[name]) == 0 && strcmp(whom, who) == 0 && unlink(at("plan")) == 0) {
    fate.code = code;
    fate.kind = strcmp(kind, "fail") == 0 ? fail : strcmp(kind, "hang") == 0 ? hang : strcmp(kind, "garbage") == 0 ? garbage
              : strcmp(kind, "cut") == 0 ? cut : lost;
    snprintf(line, sizeof line, "struck %s %lu\n", names[name], count);
    note(line);
  }
  pthread_mutex_unlock(&lock);
  if (fate.kind == hang) {
    /* As long as somebody waits for this process: units end all of a service's processes, a test only the one that it started. */
    for (pid_t parent = getppid(); getppid() == parent;) sleep(1);
    _exit(1);
  }
  return fate;
}

static void spoil(void *bytes, CK_ULONG length) {
  if (bytes && length > 0) ((unsigned char *)bytes)[length > 12 ? 12 : length - 1] ^= 0x21;
}

/* A call whose answer is nothing but its return value. */
#define CALL(name, arguments)                     \
  {                                               \
    struct fate fate = next(name##_);             \
    if (fate.kind == fail) return fate.code;      \
    CK_RV rv = real->name arguments;              \
    return fate.kind == lost ? fate.code : rv;    \
  }
/* One that also gives something, which `bad` spoils. */
#define ANSWER(name, arguments, bad)              \
  {                                               \
    struct fate fate = next(name##_);             \
    if (fate.kind == fail) return fate.code;      \
    CK_RV rv = real->name arguments;              \
    if (rv == CKR_OK && (fate.kind == garbage || fate.kind == cut)) bad; \
    return fate.kind == lost ? fate.code : rv;    \
  }
#define SHORT (fate.kind == cut)

static CK_RV Initialize(CK_VOID_PTR args) CALL(C_Initialize, (args))
static CK_RV Finalize(CK_VOID_PTR args) CALL(C_Finalize, (args))
static CK_RV GetInfo(CK_INFO_PTR info) ANSWER(C_GetInfo, (info), spoil(info->libraryDescription, 32))
static CK_RV GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info) ANSWER(C_GetSlotInfo, (slot, info), info->flags ^= CKF_TOKEN_PRESENT)
static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
  ANSWER(C_GetTokenInfo, (slot, info), { spoil(info->serialNumber, 16); info->flags ^= CKF_USER_PIN_INITIALIZED; })
static CK_RV GetSlotList(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count)
  ANSWER(C_GetSlotList, (present, slots, count), { if (SHORT) *count = 0; else if (slots) for (CK_ULONG i = 0; i < *count; i++) slots[i] ^= 0x55; })
static CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session)
  ANSWER(C_OpenSession, (slot, flags, application, notify, session), *session ^= 0x5a)
static CK_RV CloseSession(CK_SESSION_HANDLE session) CALL(C_CloseSession, (session))
static CK_RV GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info)
  ANSWER(C_GetSessionInfo, (session, info), { info->state ^= 0xf0; info->slotID ^= 0x55; })
static CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) CALL(C_Login, (session, user, pin, length))
static CK_RV Logout(CK_SESSION_HANDLE session) CALL(C_Logout, (session))
static CK_RV CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR object)
  ANSWER(C_CreateObject, (session, attributes, count, object), *object ^= 0x55)
static CK_RV DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) CALL(C_DestroyObject, (session, object))
static CK_RV GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
  ANSWER(C_GetAttributeValue, (session, object, attributes, count), {
    for (CK_ULONG i = 0; i < count; i++)
      if (attributes[i].ulValueLen != (CK_ULONG)-1) {
        if (SHORT && attributes[i].ulValueLen > 0) attributes[i].ulValueLen--;
        else if (attributes[i].pValue) spoil(attributes[i].pValue, attributes[i].ulValueLen);
        else attributes[i].ulValueLen += 7;
      }
  })
static CK_RV FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count)
  CALL(C_FindObjectsInit, (session, attributes, count))
static CK_RV FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG most, CK_ULONG_PTR count)
  ANSWER(C_FindObjects, (session, objects, most, count), { if (SHORT) *count = 0; else for (CK_ULONG i = 0; i < *count; i++) objects[i] ^= 0x55; })
static CK_RV FindObjectsFinal(CK_SESSION_HANDLE session) CALL(C_FindObjectsFinal, (session))
static CK_RV SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) CALL(C_SignInit, (session, mechanism, key))
static CK_RV Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG size, CK_BYTE_PTR signature, CK_ULONG_PTR length)
  ANSWER(C_Sign, (session, data, size, signature, length), { if (SHORT) (*length)--; else spoil(signature, *length); })

/* Whatever else of PKCS#11 a process calls is none of the points: the log shows it, and whoever counts refuses. */
static CK_RV unwrapped(void) {
  next(unwrapped_);
  return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV start(void) {
  const char *place = getenv("COLDSEAL_TOKEN_FAULTS");
  char line[4096];
  if (!place || strlen(place) >= sizeof folder) return CKR_GENERAL_ERROR;
  strcpy(folder, place);
  int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, line, sizeof line);
  if (file >= 0) close(file);
  if (length > 0 && memmem(line, (size_t)length, "probe-main", 10)) who = "probe";
  void *module = dlopen(at("module"), RTLD_NOW | RTLD_LOCAL);
  CK_C_GetFunctionList functions = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
  if (!functions) return CKR_GENERAL_ERROR;
  CK_RV rv = functions(&real);
  if (rv != CKR_OK) return rv;
  list.version = real->version;
#define CK_PKCS11_FUNCTION_INFO(name) list.name = (CK_##name)(void (*)(void))unwrapped;
#include "pkcs11f.h"
#undef CK_PKCS11_FUNCTION_INFO
  list.C_Initialize = Initialize;
  list.C_Finalize = Finalize;
  list.C_GetInfo = GetInfo;
  list.C_GetFunctionList = C_GetFunctionList;
  list.C_GetSlotList = GetSlotList;
  list.C_GetSlotInfo = GetSlotInfo;
  list.C_GetTokenInfo = GetTokenInfo;
  list.C_OpenSession = OpenSession;
  list.C_CloseSession = CloseSession;
  list.C_GetSessionInfo = GetSessionInfo;
  list.C_Login = Login;
  list.C_Logout = Logout;
  list.C_CreateObject = CreateObject;
  list.C_DestroyObject = DestroyObject;
  list.C_GetAttributeValue = GetAttributeValue;
  list.C_FindObjectsInit = FindObjectsInit;
  list.C_FindObjects = FindObjects;
  list.C_FindObjectsFinal = FindObjectsFinal;
  list.C_SignInit = SignInit;
  list.C_Sign = Sign;
  return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR functions) {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&once);
  CK_RV rv = real ? CKR_OK : start();
  pthread_mutex_unlock(&once);
  if (rv == CKR_OK) *functions = &list;
  return rv;
}
