/// `[DEFAULT]` of models.ini as far as it concerns the processes, not the tiers.
package struct ServerDefaults: Equatable, Sendable {
    /// Address that llama-server children bind and that opencode is pointed at.
    package var host = "127.0.0.1"
    package var routerPort = "10101"
    /// Layers on the accelerator (`-ngl`).
    package var gpuLayers = "999"
    package var flashAttention = "on"
    /// Whether llama-server uses the model's own chat template (`--jinja`).
    package var jinja = true
    package var cacheTypeK = "q8_0"
    package var cacheTypeV = "q8_0"
    /// CPU threads; -1 lets llama-server choose.
    package var threads = "-1"
    /// Path of llama-server, where the file names one.
    package var llamaServer: String?

    package init() {}
}
