using Ard.Trainers.Data;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Gpu.Tests;

/// <summary>Trainings on the device: the same twice, in mixed precision, and without a leak.</summary>
public sealed class TrainingOnDeviceTests
{
    [GpuFact]
    public void The_same_seed_trains_the_same_network()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(200, seed: 1);
        var first = Weights(SameResultTests.Trained(TestDevice.Name, data, out var one));
        var second = Weights(SameResultTests.Trained(TestDevice.Name, data, out var other));
        // cuDNN may add in another order; what chance decides is the same.
        SameResultTests.AssertClose(first, second, TestDevice.IsGpu ? 1e-2 : 0, "weights of the second training");
        Assert.Equal(one.History[^1].Loss, other.History[^1].Loss, TestDevice.IsGpu ? 1e-2 : 0);
    }

    [GpuFact]
    public void Mixed_precision_learns_as_well()
    {
        using var data = Glyphs.Generate(500, seed: 1);
        using var full = SameResultTests.Trained(TestDevice.Name, data, out var expected, epochs: 5);
        using var mixed = SameResultTests.Trained(TestDevice.Name, data, out var found, Precision.Mixed, epochs: 5);
        Assert.All(mixed.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
        Assert.NotEqual(expected.History[^1].Loss, found.History[^1].Loss);
        Assert.InRange(found.History[^1].Loss, 0.8 * expected.History[^1].Loss, 1.2 * expected.History[^1].Loss);
    }

    [GpuFact]
    public void Auxiliary_images_RandAugment_and_CutMix_are_those_of_the_CPU()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(100, seed: 1);
        using var extra = Glyphs.Generate(150, seed: 2);
        var expected = Trained("cpu");
        var found = Trained(TestDevice.Name);
        var noise = expected.AuxiliaryLabels!.Disagreement!.Value;
        Assert.Equal(noise, found.AuxiliaryLabels!.Disagreement!.Value, TestDevice.IsGpu ? 0.02 : 0);
        Assert.Equal(expected.History[^1].Loss, found.History[^1].Loss, TestDevice.IsGpu ? 1e-2 : 0);

        TrainingResult Trained(string device)
        {
            var spec = NetworkSpec.Parse("smallcnn-8-bn") with { InputChannels = 1, ImageSize = Glyphs.ImageSize };
            using var student = spec.Build(1);
            using var teacher = spec.Build(2);
            teacher.eval();
            return Trainer.Fit(new(student, teacher), Objective.Natural(), data, new TrainingOptions
            {
                Epochs = 1,
                BatchSize = 50,
                Optimizer = new SgdOptimizer { LearningRate = 0.01 },
                ValidationFraction = 0,
                Augmentation = new Augmentation(2, true) { RandAugment = new() },
                Auxiliary = new(extra) { TeacherLabels = true },
                Mixing = Mixing.CutMix(),
                AcceptTeacherNearChance = true,
                Device = device,
            });
        }
    }

    [GpuFact]
    public void Many_steps_leave_no_tensor_and_no_memory_behind()
    {
        using var scope = NewDisposeScope();
        var device = TestDevice.Device;
        using var student = NetworkSpec.Parse("resnet18-16").Build(1).to(device);
        using var teacher = NetworkSpec.Parse("resnet18-16").Build(2).to(device);
        teacher.eval();
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        using var optimizer = optim.SGD(student.parameters(), 0.01, momentum: 0.9);
        using var generator = new Generator(3, device);
        var (images, labels) = SameResultTests.Batch(16, ScalarType.Float32);
        (images, labels) = (images.to(device), labels.to(device));
        var objective = ObjectiveCatalog.ByName("ard", new() { Steps = 2 });
        Steps(3);
        var (tensors, memory) = (Tensor.TotalCount, TestDevice.MemoryInUse());
        Steps(10);
        Assert.Equal(tensors, Tensor.TotalCount);
        // Others may use the same GPU: a leak of the ten steps would be more than this.
        if (TestDevice.IsGpu && memory is { } before) Assert.InRange(TestDevice.MemoryInUse()!.Value, 0, before + 64);

        void Steps(int count)
        {
            for (var step = 0; step < count; step++)
            {
                using var inner = NewDisposeScope();
                student.zero_grad();
                objective.Loss(new TrainingBatch
                {
                    Student = student,
                    Teacher = teacher,
                    Images = images,
                    Labels = labels,
                    Generator = generator,
                }).backward();
                optimizer.step();
            }
            if (TestDevice.IsGpu) cuda.synchronize();
        }
    }

    private static Tensor Weights(Module<Tensor, Tensor> network)
    {
        using (network)
        {
            using var noGradient = no_grad();
            return cat(
                [.. network.state_dict().Values.Where(value => value.is_floating_point()).Select(value => value.flatten())], 0).cpu();
        }
    }
}
