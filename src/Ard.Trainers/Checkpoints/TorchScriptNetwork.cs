using System.Runtime.InteropServices;

namespace Ard.Trainers.Checkpoints;

/// <summary>A TorchScript program as a network: images [N,C,H,W] in [0,1] to logits [N,classes], if that is what it computes.</summary>
internal sealed class TorchScriptNetwork : Module<Tensor, Tensor>
{
    private readonly jit.ScriptModule<Tensor, Tensor> program;

    public TorchScriptNetwork(string path) : base(nameof(TorchScriptNetwork))
    {
        program = Damage.Tell(
            () => jit.load<Tensor, Tensor>(path), exception => exception is ExternalException,
            exception => new(path, "a TorchScript program that libtorch loads", exception.Message.Split('\n')[0], exception));
        register_module(nameof(program), program);
    }

    public override Tensor forward(Tensor images) => program.call(images);

    protected override void Dispose(bool disposing)
    {
        // A module of TorchSharp disposes of its children and then asks them for theirs, which a program does not survive.
        if (disposing) program.Dispose();
        base.Dispose(disposing: false);
    }
}
