using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;

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
    public void One_of_several_state_dicts_is_taken_by_its_key_and_the_others_are_named()
    {
        var several = program.Run("import", Fixture("strangers-cascade.pt"));
        Assert.Equal(2, several.Code);
        Assert.Contains("'state_dict.0', 'state_dict.1'", several.Error);
        var second = program.Run("import", Fixture("strangers-cascade.pt"), "--key", "state_dict.1");
        Assert.Contains("found under 'state_dict.1'", second.Output);
        Assert.Contains("the key 'model_ema' takes them", program.Run("import", Fixture("strangers-ema.pt")).Output);
        Assert.Contains("args (argparse.Namespace)", program.Run("inspect", Fixture("strangers-beside.pt")).Output);
    }

    [Fact]
    public void Weights_that_do_not_say_their_normalisation_are_given_it_by_every_verb()
    {
        string In(string name) => Path.Combine(program.Folder, name);
        var spec = NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = 16, Mean = [0.25], Std = [0.5] };
        using (var network = spec.Build(seed: 1))
        {
            ModelFile.Write(In("model.safetensors"), network);
            Safetensors.Write(In("weights.safetensors"), network.state_dict());
        }
        string[] given = ["--network", "tinycnn-4-bn", "--mean", "0.25", "--std", "0.5"];
        const string note = "normalisation as given, for the file does not tell: mean [0.25], std [0.5]";
        (int Code, string Output, string Error) Evaluate(string file, params string[] options) =>
            program.Run(["evaluate", "--model", file, "--test-images", "40", "--attacks", "pgd-3", "--json", In("json"), .. options]);
        string Figures(string file, string note, params string[] options)
        {
            var (code, output, error) = Evaluate(file, options);
            Assert.True(code == 0, error);
            Assert.Contains(note, output);
            return Regex.Replace(File.ReadAllText(In("json")), "\"weights\".*", "");
        }
        var expected = Figures("model.safetensors", "");
        Assert.Equal(expected, Figures("weights.safetensors", note, given));
        Assert.NotEqual(expected, Figures("weights.safetensors", "no normalisation: the file does not tell", given[..2]));
        // What the file says wins, and that is said.
        var other = given[..2].Concat(["--mean", "0.5", "--std", "1"]).ToArray();
        Assert.Equal(expected, Figures("model.safetensors", "the normalisation given is not used: mean [0.5], std [1]", other));
        Assert.Contains("--mean and --std are given without --network", Evaluate("model.safetensors", given[2..]).Error);

        using var colour = NetworkSpec.Parse("tinycnn-1").Build(seed: 1);
        Safetensors.Write(In("colour.safetensors"), colour.state_dict());
        var (_, exported, _) = program.Run(
            "export", "colour.safetensors", "--output", "out", "--network", "tinycnn-1", "--mean", "0.5,0.5,0.5", "--std", "1,1,1");
        Assert.Contains("normalisation as given, for the file does not tell: mean [0.5, 0.5, 0.5], std [1, 1, 1]", exported);
        var (_, taught, fault) = program.Run([
            "distill", "--teacher", "tinycnn-4-bn", "--teacher-checkpoint", "weights.safetensors", "--any-teacher", "--student",
            "tinycnn-2", "--epochs", "1", "--steps", "1", "--train-images", "20", "--test-images", "10", .. given[2..]]);
        Assert.True(taught.Contains(note, StringComparison.Ordinal), taught + fault);
        var bad = program.Run(
            "distill", "--teacher-checkpoint", "model.safetensors", "--student", "tinycnn-2", "--epochs", "1", "--train-images",
            "80", "--test-images", "10", "--output", "bad").Error;
        Assert.Contains("it was never trained, or too short, or on other labels. --any-teacher goes on with it all the same.", bad);
        Assert.Contains("without --teacher-checkpoint", program.Run(["distill", .. given[2..]]).Error);
    }

    [Fact]
    public void RobustBenchs_networks_have_the_normalisation_of_their_definition_in_every_verb()
    {
        string In(string name) => Path.Combine(program.Folder, name);
        foreach (var (classes, mean) in new[] { (10, "0.4914"), (100, "0.5071") })
        {
            using var network = (NetworkSpec.Parse("robustbench/wideresnet-10-1") with { Classes = classes }).Build(seed: 1);
            Safetensors.Write(In($"{classes}.safetensors"), network.state_dict());
            var imported = program.Run(
                "import", $"{classes}.safetensors", "--network", "robustbench/wideresnet-10-1", "--output", "out/model.safetensors");
            Assert.Contains($"\"mean\":[{mean}", imported.Output);
        }
        var exported = program.Run("export", "10.safetensors", "--network", "robustbench/wideresnet-10-1", "--output", "out");
        Assert.Contains("normalisation of the definition, for the file does not tell: mean [0.4914", exported.Output);
    }

    [Fact]
    public void What_a_file_says_of_its_network_goes_before_what_it_looks_like()
    {
        string In(string name) => Path.Combine(program.Folder, name);
        var spec = NetworkSpec.Parse("preactresnet18-1-input_shortcut") with { InputChannels = 1, ImageSize = 16 };
        using (var network = spec.Build(seed: 1)) ModelFile.Write(In("model.safetensors"), network);
        var imported = program.Run("import", "model.safetensors", "--classes", "10", "--output", "out/model.safetensors");
        Assert.Contains("\"inputShortcut\":true", imported.Output + imported.Error);
        var (code, output, error) = program.Run(
            "distill", "--teacher-checkpoint", "model.safetensors", "--any-teacher", "--student", "tinycnn-1", "--epochs", "1", "--steps",
            "1", "--train-images", "20", "--test-images", "10");
        Assert.True(code == 0, error);
        Assert.DoesNotContain("has the same names and shapes", output);
    }

    [Fact]
    public void RobustBenchs_networks_are_fitted_to_gray_images()
    {
        var (code, _, error) = program.Run(
            "distill", "--method", "natural", "--student", "robustbench/preactresnet18-1", "--epochs", "1", "--train-images", "20",
            "--test-images", "10");
        Assert.True(code == 0, error);
    }

    [Fact]
    public void Oblong_images_are_refused_before_the_teacher_is_trained_where_the_student_takes_square_ones()
    {
        foreach (var split in new[] { "train", "t10k" })
        {
            var data = Directory.CreateDirectory(Path.Combine(program.Folder, "data")).FullName;
            File.WriteAllBytes(
                Path.Combine(data, $"{split}-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 9, .. new byte[144]]);
            File.WriteAllBytes(Path.Combine(data, $"{split}-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
        }
        var refused = program.Run("distill", "--data", "data", "--student", "tinycnn-2", "--output", "out");
        Assert.Equal(2, refused.Code);
        Assert.Contains("The images have 8x9 pixels, tinycnn-2 expects square ones", refused.Error);
        Assert.False(Directory.Exists(program.Output));

        // Nor are images trained on that are not of the size of the test images.
        File.WriteAllBytes(
            Path.Combine(program.Folder, "data", "t10k-images-idx3-ubyte"),
            [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 10, .. new byte[160]]);
        Assert.Contains(
            "data: expected test images like those of the training, 2 images 1x8x9 of 10 classes, found 2 images 1x8x10 of 10 classes",
            program.Run("distill", "--data", "data", "--student", "resnet8", "--output", "out").Error);
    }

    [Fact]
    public void A_network_of_other_classes_than_the_images_is_refused_by_every_verb_that_measures()
    {
        using (var network = (NetworkSpec.Parse("tinycnn-1") with { Classes = 20, InputChannels = 1, ImageSize = 16 }).Build(seed: 1))
            ModelFile.Write(Path.Combine(program.Folder, "twenty.safetensors"), network);
        foreach (string[] verb in new string[][] { ["evaluate", "--model"], ["corruptions", "--model"], ["teacher"] })
        {
            var refused = program.Run([.. verb, "twenty.safetensors", "--data", "builtin"]);
            Assert.Equal(2, refused.Code);
            Assert.Contains("twenty.safetensors has 20 outputs, the images have 10 classes", refused.Error);
        }
    }

    [Fact]
    public void What_is_wrong_is_one_line()
    {
        Assert.Equal(2, program.Run("inspect", "nothing.pt").Code);
        var module = program.Run("import", Fixture("module.pt"));
        Assert.Equal(2, module.Code);
        Assert.Contains("'torch.nn.modules.linear.Linear', which is never looked up", module.Error);
        Assert.Contains("a TorchScript program: its tensors are not listed", program.Run("inspect", Fixture("program.pt")).Output);
        Assert.Contains("TorchScript program", program.Run("import", Fixture("program.pt")).Error);
        var other = program.Run("import", Fixture("checkpoint.pt"), "--network", "smallcnn-4");
        Assert.Equal(2, other.Code);
        Assert.Contains("net.0.weight (expected [4,3,4,4], found [2,3,3,3])", other.Error);
        Assert.Contains("looks like tinycnn-2-bn", other.Error);
        Assert.Contains("is the file itself", program.Run("import", Fixture("checkpoint.pt"), "--output", Fixture("checkpoint.pt")).Error);
    }
}
