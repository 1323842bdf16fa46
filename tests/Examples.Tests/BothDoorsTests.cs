using Ard.MLNet;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Training;
using Microsoft.ML;

namespace Ard.Examples.Tests;

/// <summary>A method has the same defaults on the command line and in ML.NET.</summary>
public sealed class BothDoorsTests : IDisposable
{
    // What a command line has to set: where to write, and that a teacher which it has trained itself may be a bad one.
    private static readonly string[] Own =
        ["Options.CheckpointFolder", "Options.AcceptTeacherNearChance", "Options.Device", "Options.Threads", "Options.Resume"];

    private readonly ExampleProgram program = new("Distill");

    public void Dispose() => program.Dispose();

    [Theory]
    [InlineData(1, 28, "smallcnn-32-bn", "smallcnn-16-bn")]
    [InlineData(3, 32, "smallcnn-32-bn", "smallcnn-16-bn")]
    [InlineData(1, 12, "tinycnn-16-bn", "tinycnn-8-bn")]
    public void The_command_line_trains_with_the_settings_of_ML_NET_and_networks_that_fit_images_and_device(
        int channels, int side, string teacher, string student)
    {
        var data = Write(channels, side);
        var (code, _, error) = program.Run(
            "distill", "--data", data, "--method", "at,ard,kd,trades", "--epochs", "1", "--threads", "1", "--device", "cpu",
            "--output", program.Output);
        Assert.True(code == 0, error);

        var ml = new MLContext(seed: 1);
        using var loaded = ImageDataset.Load(data, DataSplit.Train);
        var images = ml.Data.LoadImageDataset(loaded);
        var training = new TrainingOptions { Epochs = 1, Threads = 1, Device = "cpu" };
        using var guide = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = teacher, Seed = 0, Training = training }).Fit(images);
        AssertSame("teacher-at", guide.Training!);
        foreach (var method in (string[])["at", "ard", "kd", "trades"])
        {
            using var model = ml.MulticlassClassification.Trainers.AdversarialDistillation(
                new() { Network = student, Teacher = guide, Method = method, Seed = 0, Training = training }).Fit(images);
            AssertSame($"student-{method}", model.Training!);
        }

        void AssertSame(string name, TrainingResult expected)
        {
            var card = Safetensors.ReadMetadata(Path.Combine(program.Output, $"{name}.safetensors"))["ard.card"];
            var settings = JsonDocument.Parse(card).RootElement.GetProperty("training").GetProperty("settings").EnumerateArray();
            Assert.Equal(Compared(expected.Settings), Compared(settings.Select(line => line.GetString()!)));
        }

        IEnumerable<string> Compared(IEnumerable<string> settings) => settings.Where(line => !Own.Contains(line.Split(": ")[0]));
    }

    // Forty images of ten classes as NumPy's arrays.
    private string Write(int channels, int side)
    {
        var folder = Directory.CreateDirectory(Path.Combine(program.Folder, "data")).FullName;
        var random = new Random(1);
        byte[] labels = [.. Enumerable.Range(0, 40).Select(row => (byte)(row % 10))];
        var pixels = new byte[40 * channels * side * side];
        random.NextBytes(pixels);
        foreach (var split in (string[])["train", "test"])
        {
            Array("x", $"(40, {channels}, {side}, {side})", pixels);
            Array("y", "(40,)", labels);

            void Array(string name, string shape, byte[] values)
            {
                var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
                byte[] file = [0x93, .. "NUMPY\u0001\0v\0"u8, .. Encoding.ASCII.GetBytes(header), .. values];
                File.WriteAllBytes(Path.Combine(folder, $"{name}_{split}.npy"), file);
            }
        }
        return folder;
    }
}
