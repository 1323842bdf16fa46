using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Bench.Plain;

/// <summary>
/// The training step of the released main.py of ARD at alpha 1, and its attack, as a user of TorchSharp writes them. Nothing of this
/// library is used, so that nothing of it is loaded in the process: neither its settings of native libraries.
/// </summary>
internal sealed class PlainStep : IStepSide
{
    private const double Epsilon = 8.0 / 255, StepSize = 2.0 / 255, Temperature = 30, Alpha = 1;

    private readonly Module<Tensor, Tensor> student, teacher;
    private readonly Tensor images, labels, noise;
    private readonly string weights;
    private optim.Optimizer optimizer;

    public PlainStep(StepFiles files, Device device)
    {
        weights = files.Student;
        student = PlainNetworks.ByName(files.Network);
        student.load(weights);
        student.to(device);
        teacher = PlainNetworks.ByName("resnet18");
        teacher.load(files.Teacher);
        teacher.to(device);
        teacher.eval();
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        (images, labels, noise) = (files.Read("images").to(device), files.Read("labels").to(device), files.Read("noise").to(device));
        optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
    }

    public void Reset()
    {
        student.load(weights);
        optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
    }

    public (double AttackFirst, double? Loss) Attack()
    {
        using var scope = NewDisposeScope();
        student.eval();
        return (Perturb().AttackFirst.item<float>(), null);
    }

    public (double AttackFirst, double? Loss) Train()
    {
        using var scope = NewDisposeScope();
        student.train();
        optimizer.zero_grad();
        var (adversarial, attackFirst) = Perturb();
        var outputs = student.call(adversarial);
        var teacherOutputs = teacher.call(images);
        var basicOutputs = student.call(images);
        var divergence = functional.kl_div(
            functional.log_softmax(outputs / Temperature, 1), functional.softmax(teacherOutputs / Temperature, 1),
            log_target: false, reduction: Reduction.Mean);
        var loss = Alpha * Temperature * Temperature * divergence + (1 - Alpha) * functional.cross_entropy(basicOutputs, labels);
        loss.backward();
        optimizer.step();
        return (attackFirst.item<float>(), loss.item<float>());
    }

    private (Tensor Points, Tensor AttackFirst) Perturb()
    {
        var x = images + noise;
        Tensor? first = null;
        for (var step = 0; step < 10; step++)
        {
            using var scope = NewDisposeScope();
            x.requires_grad_();
            var loss = functional.cross_entropy(student.call(x), labels, reduction: Reduction.Sum);
            first ??= loss.detach().MoveToOuterDisposeScope();
            var gradient = autograd.grad([loss], [x])[0];
            x = x.detach() + StepSize * gradient.sign();
            x = minimum(maximum(x, images - Epsilon), images + Epsilon);
            x = x.clamp(0, 1).MoveToOuterDisposeScope();
        }
        return (x, first!);
    }
}
