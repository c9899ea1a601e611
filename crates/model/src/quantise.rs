//! Decoders whose layers are frozen in few bits.

use burn::module::Module;
use forethought_kernels::Quantisation;

use crate::decoder::Decoder;

impl Decoder {
    /// The decoder with the weights of all linear layers inside its decoder layers frozen in few bits; embedding, norms,
    /// biases and head keep 32 bits and are frozen too. Attach an adapter to train it
    /// ([`with_lora`](Self::with_lora)): quantised low-rank adaptation (Dettmers et al. 2023,
    /// <https://arxiv.org/abs/2305.14314>).
    ///
    /// A weight is dequantised a tile at a time where it is used, so neither it nor its gradient is ever held in 32 bits.
    /// Layers that are quantised already stay as they are. An adapter that is attached stays, and is trained.
    #[must_use]
    pub fn quantise(self, quantisation: Quantisation) -> Self {
        let frozen = if self.lora().is_some() { self } else { self.set_require_grad(false) };
        frozen.map_projections(|_, linear| linear.quantise(quantisation))
    }

    /// How the weights of the layers are quantised, if they are.
    #[must_use]
    pub fn quantisation(&self) -> Option<Quantisation> {
        let matrix = self.projections().find_map(|(_, linear)| linear.quantised());
        matrix.map(forethought_kernels::QuantisedMatrix::quantisation)
    }

    /// Bytes of all quantised weights with their scales.
    #[must_use]
    pub fn quantised_bytes(&self) -> usize {
        let matrices = self.projections().filter_map(|(_, linear)| linear.quantised());
        matrices.map(forethought_kernels::QuantisedMatrix::num_bytes).sum()
    }
}
