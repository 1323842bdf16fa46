using TorchSharp.Modules;

namespace Ard.Bench.Plain;

/// <summary>ResNet-18 and MobileNetV2 for CIFAR as a user of TorchSharp writes them; layers have their usual names.</summary>
internal static class PlainNetworks
{
    public static Module<Tensor, Tensor> ByName(string name) => name == "resnet18" ? new ResNet18() : new MobileNetV2();

    private static Conv2d Convolution(int inputs, int outputs, int kernel, int stride = 1, int groups = 1) =>
        Conv2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false);

    private sealed class BasicBlock : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv1, bn1, conv2, bn2, shortcut;

        public BasicBlock(int inputs, int outputs, int stride) : base(nameof(BasicBlock))
        {
            conv1 = Convolution(inputs, outputs, 3, stride);
            bn1 = BatchNorm2d(outputs);
            conv2 = Convolution(outputs, outputs, 3);
            bn2 = BatchNorm2d(outputs);
            shortcut = stride == 1 && inputs == outputs ? Sequential()
                : Sequential(Convolution(inputs, outputs, 1, stride), BatchNorm2d(outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = functional.relu(bn1.call(conv1.call(x)));
            y = bn2.call(conv2.call(y));
            return functional.relu(y + shortcut.call(x));
        }
    }

    private sealed class ResNet18 : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv1, bn1, layer1, layer2, layer3, layer4, linear;

        public ResNet18() : base(nameof(ResNet18))
        {
            conv1 = Convolution(3, 64, 3);
            bn1 = BatchNorm2d(64);
            layer1 = Sequential(new BasicBlock(64, 64, 1), new BasicBlock(64, 64, 1));
            layer2 = Sequential(new BasicBlock(64, 128, 2), new BasicBlock(128, 128, 1));
            layer3 = Sequential(new BasicBlock(128, 256, 2), new BasicBlock(256, 256, 1));
            layer4 = Sequential(new BasicBlock(256, 512, 2), new BasicBlock(512, 512, 1));
            linear = Linear(512, 10);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            x = functional.relu(bn1.call(conv1.call(x)));
            x = layer4.call(layer3.call(layer2.call(layer1.call(x))));
            return linear.call(x.mean([2, 3]));
        }
    }

    private sealed class InvertedResidual : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv1, bn1, conv2, bn2, conv3, bn3;
        private readonly Module<Tensor, Tensor>? shortcut;

        public InvertedResidual(int inputs, int outputs, int expansion, int stride) : base(nameof(InvertedResidual))
        {
            var width = expansion * inputs;
            conv1 = Convolution(inputs, width, 1);
            bn1 = BatchNorm2d(width);
            conv2 = Convolution(width, width, 3, stride, groups: width);
            bn2 = BatchNorm2d(width);
            conv3 = Convolution(width, outputs, 1);
            bn3 = BatchNorm2d(outputs);
            if (stride == 1)
                shortcut = inputs == outputs ? Sequential() : Sequential(Convolution(inputs, outputs, 1), BatchNorm2d(outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = functional.relu(bn1.call(conv1.call(x)));
            y = functional.relu(bn2.call(conv2.call(y)));
            y = bn3.call(conv3.call(y));
            return shortcut is null ? y : y + shortcut.call(x);
        }
    }

    private sealed class MobileNetV2 : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv1, bn1, layers, conv2, bn2, linear;

        public MobileNetV2() : base(nameof(MobileNetV2))
        {
            (int Expansion, int Outputs, int Count, int Stride)[] groups =
                [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
            var blocks = new List<Module<Tensor, Tensor>>();
            var inputs = 32;
            foreach (var (expansion, outputs, count, stride) in groups)
            {
                for (var i = 0; i < count; i++, inputs = outputs)
                    blocks.Add(new InvertedResidual(inputs, outputs, expansion, i == 0 ? stride : 1));
            }
            conv1 = Convolution(3, 32, 3);
            bn1 = BatchNorm2d(32);
            layers = Sequential(blocks);
            conv2 = Convolution(320, 1280, 1);
            bn2 = BatchNorm2d(1280);
            linear = Linear(1280, 10);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            x = functional.relu(bn1.call(conv1.call(x)));
            x = functional.relu(bn2.call(conv2.call(layers.call(x))));
            return linear.call(x.mean([2, 3]));
        }
    }
}
