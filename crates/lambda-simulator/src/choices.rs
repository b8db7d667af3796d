//! Where a schedule comes from: a list of numbers, drawn at random or given.
//!
//! Everything that is random in a schedule is one number below a bound, and 0 is always the
//! plainest choice. So a schedule is its list of choices, and a shorter list of lower numbers is a
//! simpler schedule.

/// A source of choices that keeps what it gave.
#[derive(Clone, Debug)]
pub struct Choices {
    given: Vec<u64>,
    taken: Vec<u64>,
    /// `None`: what is not given is 0.
    random: Option<u64>,
}

impl Choices {
    /// Random choices, the same for the same seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self { given: Vec::new(), taken: Vec::new(), random: Some(seed) }
    }

    /// These choices, and 0 for all that follow.
    #[must_use]
    pub fn given(choices: &[u64]) -> Self {
        Self { given: choices.to_vec(), taken: Vec::new(), random: None }
    }

    /// What was chosen until now.
    #[must_use]
    pub fn taken(&self) -> &[u64] {
        &self.taken
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let choice = match (self.given.get(self.taken.len()), &mut self.random) {
            (Some(&given), _) => given.min(bound - 1),
            (None, None) => 0,
            (None, Some(state)) => {
                // SplitMix64.
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) % bound
            }
        };
        self.taken.push(choice);
        choice
    }

    /// `true` once in `of` times.
    pub fn rarely(&mut self, of: u64) -> bool {
        // 0 is "no", so the last number is "yes".
        self.below(of) == of - 1
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// The simplest list of choices that still fails, as far as `tries` attempts find one.
#[must_use]
pub fn shrink(choices: &[u64], tries: usize, fails: impl Fn(&[u64]) -> bool) -> Vec<u64> {
    let mut best = choices.to_vec();
    let mut left = tries;
    let mut attempt = |candidate: Vec<u64>, best: &mut Vec<u64>| {
        if left == 0 || candidate == *best {
            return false;
        }
        left -= 1;
        let better = fails(&candidate);
        if better {
            *best = candidate;
        }
        better
    };
    loop {
        let before = best.clone();
        let mut size = best.len().max(1);
        while size > 0 {
            let mut at = 0;
            while at < best.len() {
                let end = (at + size).min(best.len());
                let mut without = best.clone();
                without.drain(at..end);
                let mut plain = best.clone();
                plain[at..end].fill(0);
                if !attempt(without, &mut best) {
                    attempt(plain, &mut best);
                    at = end;
                }
            }
            size /= 2;
        }
        for at in 0..best.len() {
            let mut low = 0;
            while let Some(&high) = best.get(at).filter(|&&high| low < high) {
                let mut lower = best.clone();
                lower[at] = low + (high - low) / 2;
                if !attempt(lower.clone(), &mut best) {
                    low = lower[at] + 1;
                }
            }
        }
        if best == before {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_choices_and_they_give_themselves() {
        let mut random = Choices::of_seed(7);
        let drawn: Vec<u64> = (1..50).map(|bound| random.below(bound)).collect();
        let mut again = Choices::given(&drawn);
        assert_eq!((1..50).map(|bound| again.below(bound)).collect::<Vec<_>>(), drawn);
        assert_eq!(again.below(9), 0);
    }

    #[test]
    fn shrinking_keeps_what_matters() {
        let choices: Vec<u64> = (0..200).map(|n| n * 37 % 101).collect();
        let fails = |list: &[u64]| list.iter().any(|&n| n >= 40) && list.len() > 2;
        assert_eq!(shrink(&choices, 10_000, fails), [0, 0, 40]);
    }
}
