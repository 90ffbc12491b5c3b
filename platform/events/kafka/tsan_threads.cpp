// Under ThreadSanitizer only. librdkafka makes its threads and locks by C11's <threads.h>, which ThreadSanitizer does not know: it crashes
// in the first thread that it has not seen begin. These are the same by POSIX, which it knows; they come before glibc's own.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <cerrno>
#include <cstdint>
#include <memory>

#include <pthread.h>
#include <threads.h>

namespace {

struct start {
    thrd_start_t run;
    void* with;
};

void* begin(void* given) {
    const std::unique_ptr<start> s(static_cast<start*>(given));
    return reinterpret_cast<void*>(static_cast<std::intptr_t>(s->run(s->with)));  // NOLINT(performance-no-int-to-ptr): never followed
}

// glibc's own are these, too.
static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));
pthread_mutex_t* posix(mtx_t* m) { return reinterpret_cast<pthread_mutex_t*>(m); }
pthread_cond_t* posix(cnd_t* c) { return reinterpret_cast<pthread_cond_t*>(c); }

int outcome(int error) {
    switch (error) {
        case 0: return thrd_success;
        case EBUSY: return thrd_busy;
        case ETIMEDOUT: return thrd_timedout;
        case ENOMEM: return thrd_nomem;
        default: return thrd_error;
    }
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* made, thrd_start_t run, void* with) {
    auto s = std::make_unique<start>(start{run, with});
    const int error = pthread_create(made, nullptr, &begin, s.get());
    if (error == 0) (void)s.release();  // the thread's own
    return outcome(error);
}

int thrd_join(thrd_t t, int* result) {
    void* said = nullptr;
    const int error = pthread_join(t, &said);
    if (error == 0 && result) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(said));
    return outcome(error);
}

int mtx_init(mtx_t* m, int kind) {
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_settype(&how, (kind & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    const int error = pthread_mutex_init(posix(m), &how);
    pthread_mutexattr_destroy(&how);
    return outcome(error);
}

int mtx_lock(mtx_t* m) { return outcome(pthread_mutex_lock(posix(m))); }
int mtx_unlock(mtx_t* m) { return outcome(pthread_mutex_unlock(posix(m))); }
void mtx_destroy(mtx_t* m) { pthread_mutex_destroy(posix(m)); }

int cnd_init(cnd_t* c) { return outcome(pthread_cond_init(posix(c), nullptr)); }
int cnd_signal(cnd_t* c) { return outcome(pthread_cond_signal(posix(c))); }
int cnd_broadcast(cnd_t* c) { return outcome(pthread_cond_broadcast(posix(c))); }
int cnd_wait(cnd_t* c, mtx_t* m) { return outcome(pthread_cond_wait(posix(c), posix(m))); }
int cnd_timedwait(cnd_t* c, mtx_t* m, const timespec* until) { return outcome(pthread_cond_timedwait(posix(c), posix(m), until)); }
void cnd_destroy(cnd_t* c) { pthread_cond_destroy(posix(c)); }
}

#endif
#endif
