using System.Runtime.CompilerServices;

namespace Ard.Examples.Tests;

public sealed class ModelCommandsTests : IDisposable
{
    private readonly ExampleProgram program = new("Distill");

    public void Dispose() => program.Dispose();

    private static string Fixture(string name, [CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(
        Path.GetDirectoryName(here)!, "..", "Ard.Trainers.Tests", "Checkpoints", "Fixtures", name));

    [Fact]
    public void A_PyTorch_checkpoint_is_inspected_imported_and_evaluated()
    {
        var checkpoint = Fixture("checkpoint.legacy.pt");
        var inspected = program.Run("inspect", checkpoint);
        Assert.True(inspected.Code == 0, inspected.Error);
        Assert.Contains("PytorchLegacy, 20 tensors under 'state_dict', 605 elements", inspected.Output);
        Assert.Contains("looks like tinycnn-2-bn, 4 classes, 3 input channel(s)", inspected.Output);
        Assert.Contains("besides: optimizer.state.[0]", inspected.Output);
        Assert.Contains("module.net.0.weight Float32 [2,3,3,3]", inspected.Output);

        var imported = program.Run(
            "import", checkpoint, "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--output", "out/model.safetensors");
        Assert.True(imported.Code == 0, imported.Error);
        Assert.Contains("stripped the prefix 'module.'", imported.Output);
        var again = program.Run("inspect", Path.Combine("out", "model.safetensors"));
        Assert.Contains("Safetensors, 20 tensors, 605 elements", again.Output);
        Assert.Contains("\"name\":\"tinycnn\",\"classes\":4", again.Output);
        Assert.Contains("\"mean\":[0.5,0.5,0.5]", again.Output);
    }

    [Fact]
    public void What_is_wrong_is_one_line()
    {
        Assert.Equal(2, program.Run("inspect", "nothing.pt").Code);
        var module = program.Run("import", Fixture("module.pt"));
        Assert.Equal(2, module.Code);
        Assert.Contains("'torch.nn.modules.linear.Linear', which is never looked up", module.Error);
        Assert.Contains("TorchScript. It is a program", program.Run("inspect", Fixture("program.pt")).Output);
        Assert.Contains("TorchScript program", program.Run("import", Fixture("program.pt")).Error);
        var other = program.Run("import", Fixture("checkpoint.pt"), "--network", "smallcnn-4");
        Assert.Equal(2, other.Code);
        Assert.Contains("net.0.weight (expected [4,3,4,4], found [2,3,3,3])", other.Error);
        Assert.Contains("looks like tinycnn-2-bn", other.Error);
        Assert.Contains("is the file itself", program.Run("import", Fixture("checkpoint.pt"), "--output", Fixture("checkpoint.pt")).Error);
    }
}
