using Ard.Trainers.Data;
using Ard.Trainers.Networks;

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

    /// <summary>Writes a network.</summary>
    /// <param name="path">The file to create or to replace; see <see cref="AtomicFile"/>.</param>
    /// <param name="network">The network.</param>
    /// <param name="metadata">Texts to be stored beside it.</param>
    public static void Write(string path, Module<Tensor, Tensor> network, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var all = NetworkSpec.Metadata(network);
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
        using var file = WeightsFile.Open(path);
        file.RefuseProgram();
        if (Spec(file.Metadata, path) is { } spec) return WeightsImport.Import(file, spec).Network;
        throw new CheckpointException(
            path, $"the metadata entry {NetworkSpec.MetadataName}, which says what network it is",
            $"a file without it, which {NetworkRecogniser.Recognise(file.Tensors).Predicate}");
    }

    /// <summary>
    /// Loads the weights of a file into a network: a file of this class, a training checkpoint, any safetensors file, or a state dict that
    /// <c>torch.save</c> has written, with the network's names or with those that <see cref="Import(string, NetworkSpec, string)"/> reads.
    /// </summary>
    /// <param name="path">The file. Nothing in it is run.</param>
    /// <param name="network">The network to be filled.</param>
    /// <param name="key">See <see cref="Import(string, NetworkSpec, string)"/>.</param>
    /// <returns>What was done to the names.</returns>
    /// <exception cref="CheckpointException">
    /// The file is damaged, or its names or shapes are not the network's, or it says that its weights are for another normalisation than
    /// that of a network built from a <see cref="NetworkSpec"/>; nothing has been loaded then.
    /// </exception>
    public static ImportReport Load(string path, Module<Tensor, Tensor> network, string? key = null) =>
        WeightsImport.Load(path, network, key);

    /// <summary>
    /// The network in a file that others have made: a state dict by <c>torch.save</c> (<c>.pt</c>, <c>.pth</c>, <c>.th</c>, <c>.tar</c>) or
    /// safetensors. The format is told from the contents. Nothing in the file is run.
    /// <list type="bullet">
    /// <item>The state dict may be an entry of a dictionary, such as state_dict, model_state_dict, model or net.</item>
    /// <item>A prefix that a wrapper has put before the names is stripped: any sequence of module, basic_net, net, model, network,
    /// _orig_mod, backbone, student, 0 and 1.</item>
    /// <item>Names of other definitions of the same networks are read, such as downsample and fc of torchvision's ResNet.</item>
    /// <item>A normalisation beside the network (mean and std, mu and sigma, new_mean and new_std) becomes the specification's.</item>
    /// <item>Elements of any type become float32.</item>
    /// </list>
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="network">
    /// What network it is. Where the file says with what its network normalises images, that wins; else this one's normalisation counts.
    /// Default null: as the file says, or as <see cref="NetworkRecogniser"/> proposes.
    /// </param>
    /// <param name="key">Which entry of a file with several state dicts, such as <c>ema</c>. Default null: found by rule.</param>
    /// <exception cref="CheckpointException">
    /// The file is damaged, holds something else than tensors and plain values, is a TorchScript program
    /// (see <see cref="ReadTorchScript"/>), is not recognised, or its names or shapes are not the network's, all of them in one message.
    /// </exception>
    public static ImportedNetwork Import(string path, NetworkSpec? network = null, string? key = null) =>
        WeightsImport.Import(path, network, key);

    /// <summary>
    /// Loads a TorchScript program (<c>torch.jit.save</c>): images [N,C,H,W] to logits [N,classes]. <b>The file is a program, and this runs
    /// it</b>: only operators of libtorch, but those can read and write files. Do it only with files that you trust; weights by
    /// themselves are read by <see cref="Import(string, NetworkSpec, string)"/>, which runs nothing.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <returns>The program as a network, on the CPU, in eval mode.</returns>
    /// <exception cref="CheckpointException">libtorch cannot load it.</exception>
    public static Module<Tensor, Tensor> ReadTorchScript(string path)
    {
        var network = new TorchScriptNetwork(path);
        network.eval();
        return network;
    }

    internal static NetworkSpec? Spec(IReadOnlyDictionary<string, string> metadata, string path)
    {
        if (!metadata.TryGetValue(NetworkSpec.MetadataName, out var json)) return null;
        try
        {
            return NetworkSpec.FromJson(json);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw new CheckpointException(path, $"a network specification in {NetworkSpec.MetadataName}", exception.Message, exception);
        }
    }
}
