//! What the processor can do, found out when the program runs.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::kernel::Kernel;
use crate::single::Single;

/// A way to hash that a processor may have.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    is_available: fn() -> bool,
    /// Whether the processor that has it is of the kind that it is fastest on.
    is_best: fn() -> bool,
    /// From the widest to the narrowest; below them the single stream.
    pub(crate) kernels: &'static [Kernel],
    pub(crate) single: Single,
}

/// The best one first. The last one is always there.
static ALL: &[Backend] = &[
    #[cfg(target_arch = "x86_64")]
    Backend {
        name: "avx512",
        is_available: crate::x86::has_avx512,
        is_best: || !crate::x86::is_intel(),
        kernels: crate::x86::AVX512,
        single: Single::Scalar,
    },
    // On Intel a chain of ternary logic and rotates is faster than scalar code.
    #[cfg(target_arch = "x86_64")]
    Backend {
        name: "avx512-intel",
        is_available: crate::x86::has_avx512,
        is_best: crate::x86::is_intel,
        kernels: crate::x86::AVX512,
        single: Single::Ternary,
    },
    #[cfg(target_arch = "x86_64")]
    Backend {
        name: "avx2",
        is_available: crate::x86::has_avx2,
        is_best: || true,
        kernels: crate::x86::AVX2,
        single: Single::Scalar,
    },
    #[cfg(target_arch = "x86_64")]
    Backend {
        name: "sse2",
        // Every x86-64 processor has it, but a kernel's target may leave its registers alone.
        is_available: || cfg!(target_feature = "sse2"),
        is_best: || true,
        kernels: crate::x86::SSE2,
        single: Single::Scalar,
    },
    #[cfg(target_arch = "aarch64")]
    Backend {
        name: "neon",
        // As with SSE2.
        is_available: || cfg!(target_feature = "neon"),
        is_best: || true,
        kernels: crate::neon::NEON,
        single: Single::Scalar,
    },
    Backend {
        name: "scalar",
        is_available: || true,
        is_best: || true,
        kernels: &[],
        single: Single::Scalar,
    },
];

impl Backend {
    pub(crate) fn available() -> impl Iterator<Item = &'static Self> {
        ALL.iter().filter(|backend| (backend.is_available)())
    }

    /// Looked up once: afterwards this is one load.
    #[inline]
    pub(crate) fn best() -> &'static Self {
        match CHOSEN.load(Relaxed) {
            0 => Self::choose(|backend| (backend.is_best)()),
            number => &ALL[number - 1],
        }
    }

    /// Uses the first available back end for which `wanted` holds from now on.
    #[cold]
    pub(crate) fn choose(wanted: impl Fn(&Self) -> bool) -> &'static Self {
        let fits = |backend: &&Self| (backend.is_available)() && wanted(backend);
        let chosen = ALL.iter().position(|backend| fits(&backend)).unwrap_or(ALL.len() - 1);
        CHOSEN.store(chosen + 1, Relaxed);
        &ALL[chosen]
    }
}

/// The number of the back end in use, plus 1; 0 until the processor was asked.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);
