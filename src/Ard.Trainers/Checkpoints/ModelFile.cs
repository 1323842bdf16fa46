using Ard.Trainers.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A network in a safetensors file: its state dict by the usual names and, for a network built from a <see cref="NetworkSpec"/>, that
/// specification in the metadata entry <c>ard.network</c>, so that it comes back without being told what it was. Training checkpoints can
/// be read as well.
/// </summary>
public static class ModelFile
{
    /// <summary>What stands before the student's names in a training checkpoint.</summary>
    internal const string StudentPrefix = "student.";

    private const string NetworkName = "ard.network";

    /// <summary>Writes a network.</summary>
    /// <param name="path">The file to create or to replace; see <see cref="AtomicFile"/>.</param>
    /// <param name="network">The network.</param>
    /// <param name="metadata">Texts to be stored beside it.</param>
    public static void Write(string path, Module<Tensor, Tensor> network, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var all = Metadata(network);
        foreach (var (name, value) in metadata ?? new Dictionary<string, string>()) all[name] = value;
        Safetensors.Write(path, network.state_dict(), all);
    }

    /// <summary>Builds the network that the file names and loads its weights; on the CPU, in eval mode.</summary>
    /// <param name="path">
    /// A file of <see cref="Write(string, Module{Tensor, Tensor}, IReadOnlyDictionary{string, string})"/>, or a training checkpoint.
    /// </param>
    /// <exception cref="CheckpointException">The file is damaged, does not say what network it holds, or holds another one.</exception>
    public static Module<Tensor, Tensor> Read(string path)
    {
        if (!Safetensors.ReadMetadata(path).TryGetValue(NetworkName, out var json))
            throw new CheckpointException(path, $"the metadata entry {NetworkName}, which says what network it is", "a file without it");
        NetworkSpec spec;
        try
        {
            spec = NetworkSpec.FromJson(json);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw new CheckpointException(path, $"a network specification in {NetworkName}", exception.Message, exception);
        }
        var network = spec.Build(seed: 0);
        try
        {
            Load(path, network);
            network.eval();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Loads the weights of a file into a network: a file of this class, a training checkpoint, or any safetensors file with the network's
    /// names.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The file is damaged, or its names or shapes are not the network's; nothing has been loaded then.
    /// </exception>
    public static void Load(string path, Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        var tensors = Safetensors.Read(path);
        var isTraining = tensors.Keys.Any(name => name.StartsWith(StudentPrefix, StringComparison.Ordinal));
        try
        {
            Weights.Load(network, tensors, isTraining ? StudentPrefix : "");
        }
        catch (ArgumentException exception)
        {
            throw new CheckpointException(path, $"the tensors of {network.GetName()}", exception.Message, exception);
        }
    }

    internal static Dictionary<string, string> Metadata(Module<Tensor, Tensor> network) =>
        network is ImageNetwork { Spec: var spec } ? new() { [NetworkName] = spec.ToJson() } : [];
}
